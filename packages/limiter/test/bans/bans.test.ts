import t from 'tap'
import { Refusals } from '../../src/bans/refusals.js'
import { BanTable } from '../../src/bans/table.js'
import type { BannedEvent, Policy } from '../../src/index.js'
import limiter from '../../src/index.js'
import { Fastify } from '../fastify.js'
import { appWith, codes } from '../serve.js'

const windowMs = 60_000
const policy: Policy = {
  name: 'login',
  limit: 1,
  windowMs,
  algorithm: 'fixed',
  key: ({ headers }) => `${headers.user}`,
}

t.test('whoever goes on although it is refused is banned, others are not', async (t) => {
  const app = await appWith(t, { policies: [{ ...policy, escalate: { after: 3, banMs: 60_000 } }] })
  const events: BannedEvent[] = []
  app.limiter.on('banned', (event) => events.push(event))
  t.same(await codes(app, 6, '/', { user: 'a' }), [200, 429, 429, 429, 403, 403])
  t.same(await codes(app, 1, '/', { user: 'b' }), [200])
  t.match(events, [{ policy: 'login', key: 'a', banMs: 60_000, offences: 1 }])
  t.equal(events.length, 1)
  const answer = await app.inject({ url: '/', headers: { user: 'a' } })
  t.match(answer.json(), { statusCode: 403, code: 'ERR_LIMITER_BANNED' })
  t.ok(Number(answer.headers['retry-after']) >= 59, `${answer.headers['retry-after']}`)
  t.notOk(answer.headers.ratelimit)
  t.match(app.limiter.stats(), { bans: 1, requests: { allowed: 2, exceeded: 3, banned: 3 } })
  t.match(await app.limiter.check('a', ['login']), { isAllowed: false, policies: [{ isExceeded: true, remaining: 0 }] })
  t.ok((await app.limiter.peek('a', ['login'])).retryAfterMs > 59_000)
})

t.test('unban lifts it at once, and forgets what led to it', async (t) => {
  const app = await appWith(t, { policies: [{ ...policy, escalate: { after: 1, banMs: 60_000, factor: 10 } }] })
  const events: BannedEvent[] = []
  app.limiter.on('banned', (event) => events.push(event))
  for (let i = 0; i < 2; i++) {
    await app.limiter.reset('a', ['login'])
    t.same(await codes(app, 3, '/', { user: 'a' }), [200, 429, 403])
    await app.limiter.unban('a', ['login'])
    t.same(await codes(app, 1, '/', { user: 'a' }), [429], 'the limit is what it was')
    await app.limiter.unban('a', ['login'])
  }
  t.same(
    events.map(({ banMs, offences }) => [banMs, offences]),
    Array(4).fill([60_000, 1]),
  )
})

t.test('a ban by hand, which replaces another', async (t) => {
  const app = await appWith(t, { policies: [policy, { name: 'all', limit: 100, windowMs }] })
  const events: BannedEvent[] = []
  app.limiter.on('banned', (event) => events.push(event))
  await app.limiter.ban('a', ['login'], 60_000)
  t.same(await codes(app, 2, '/', { user: 'a' }), [403, 403])
  t.match(events, [{ policy: 'login', key: 'a', banMs: 60_000, offences: 0 }])
  await app.limiter.ban('a', ['login'], 1_000)
  t.ok((await app.limiter.peek('a', ['login'])).retryAfterMs <= 1_000, 'a shorter one too')
  await app.limiter.ban('127.0.0.1', ['all'], 60_000)
  t.same(await codes(app, 1, '/', { user: 'b' }), [403], 'by any of the policies of a route')
  await app.limiter.unban('127.0.0.1', ['all'])
  t.same(await codes(app, 1, '/', { user: 'b' }), [200])
})

t.test('a name means all policies of that name: the plugin’s, those of routes and of hooks', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(limiter, { limit: 100, windowMs })
  const escalate = { after: 1, banMs: 60_000, factor: 1 }
  const login = { name: 'login', limit: 1, windowMs, escalate }
  app.get('/login', { config: { limiter: { policies: [login] } } }, async () => 'ok')
  app.get('/other', { config: { limiter: { policies: [{ ...login, limit: 50 }] } } }, async () => 'ok')
  app.get('/more', { config: { limiter: { limit: 200, windowMs } } }, async () => 'ok')
  app.get('/all', async () => 'ok')
  app.get('/hook', { onRequest: app.limiter.hook({ policies: [{ ...login, name: 'hook' }] }) }, async () => 'ok')
  const ask = async () => {
    const urls = ['/login', '/other', '/more', '/all']
    return Promise.all(urls.map(async (url) => (await app.inject(url)).statusCode))
  }
  t.same(await codes(app, 3, '/login'), [200, 429, 403])
  await app.limiter.unban('127.0.0.1', ['login'])
  t.same(await codes(app, 2, '/login'), [429, 403], 'what led to it is forgotten, the limit is not')
  t.same(await codes(app, 1, '/other'), [200], 'that of another route')
  t.equal(app.limiter.stats().bans, 1)
  await app.limiter.unban('127.0.0.1', ['login'])
  await app.limiter.ban('127.0.0.1', ['login'], 60_000)
  t.same(await ask(), [403, 403, 200, 200])
  await app.limiter.unban('127.0.0.1', ['login'])
  t.same(await ask(), [429, 200, 200, 200])
  await app.limiter.ban('127.0.0.1', ['default'], 60_000)
  t.same(await ask(), [403, 403, 403, 403])
  await app.limiter.unban('127.0.0.1', ['login', 'default'])
  t.equal(app.limiter.stats().bans, 0)

  t.same(await codes(app, 3, '/hook'), [200, 429, 403])
  await app.limiter.unban('127.0.0.1', ['hook'])
  t.same(await codes(app, 1, '/hook'), [429])
  await t.rejects(app.limiter.unban('127.0.0.1', ['logins']), {
    code: 'ERR_LIMITER_UNKNOWN_POLICY',
    message: /"logins"; there are default, login, hook$/,
  })
  await t.rejects(app.limiter.check('127.0.0.1', ['login']), { code: 'ERR_LIMITER_UNKNOWN_POLICY' })
})

t.test('with problem: true it is answered by RFC 9457', async (t) => {
  const app = await appWith(t, { policies: [policy], problem: true })
  await app.limiter.ban('a', ['login'], 60_000)
  const answer = await app.inject({ url: '/', headers: { user: 'a' } })
  t.equal(answer.headers['content-type'], 'application/problem+json')
  t.match(answer.json(), {
    type: 'about:blank',
    status: 403,
    code: 'ERR_LIMITER_BANNED',
    'violated-policies': ['login'],
  })
})

t.test('in shadow mode nobody is banned', async (t) => {
  const app = await appWith(t, { policies: [{ ...policy, escalate: { after: 1, banMs: 1_000 } }], shadow: true })
  t.same(await codes(app, 5, '/', { user: 'a' }), Array(5).fill(200))
  await app.limiter.ban('a', ['login'], 60_000)
  t.same(await codes(app, 1, '/', { user: 'a' }), [200])
})

t.test('a route’s own policy, and one by hand', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(limiter, { limit: 100, windowMs })
  const escalate = { after: 2, banMs: 60_000 }
  app.get('/login', { config: { limiter: { limit: 1, windowMs, group: 'login', escalate } } }, async () => 'ok')
  app.get('/', async () => 'ok')
  t.same(await codes(app, 4, '/login'), [200, 429, 429, 403])
  t.same(await codes(app, 1), [200], 'other routes are not of it')
  const byHand = { name: 'keys', limit: 1, windowMs, escalate }
  const allowed = []
  for (let i = 0; i < 4; i++) allowed.push(await app.limiter.check('k', [byHand]))
  t.same(
    allowed.map(({ isAllowed }) => isAllowed),
    [true, false, false, false],
  )
  t.ok(allowed[3]!.retryAfterMs > 59_000 && allowed[3]!.retryAfterMs <= 60_000)
  await app.limiter.unban('127.0.0.1', [{ name: 'x', limit: 1, windowMs, group: 'login' }])
  t.same(await codes(app, 1, '/login'), [429])
})

t.test('refusals count within a window of the policy', (t) => {
  let nowMs = 1_000
  const refusals = new Refusals(() => nowMs)
  t.equal(refusals.add('a', 1, 2, 100), false)
  nowMs += 100
  t.equal(refusals.add('a', 1, 2, 100), false, 'one in each window')
  nowMs += 99
  t.equal(refusals.add('b', 1, 2, 100), false)
  t.equal(refusals.add('a', 1, 2, 100), true, 'two in one')
  t.equal(refusals.add('a', 1, 2, 100), false, 'it begins anew')
  t.end()
})

t.test('each offence bans for longer, up to the most, and is forgotten as long after', (t) => {
  let nowMs = 1_000
  const table = new BanTable(() => nowMs)
  const subject = { prefix: 'p', policy: 'login', key: 'a' }
  t.equal(table.put({ ...subject, leftMs: 100, offences: 1, forgetMs: 600 }, false), true)
  t.equal(table.put({ ...subject, leftMs: 110, offences: 1, forgetMs: 600 }, false), false, 'told twice')
  nowMs += 99
  t.ok(table.leftMs('pa') > 0)
  nowMs += 11
  t.notOk(table.leftMs('pa') > 0)
  t.equal(table.offences('pa').offences, 1)
  t.equal(table.active, 0)
  nowMs += 490
  t.equal(table.offences('pa').offences, 0)
  table.put({ ...subject, key: 'b', leftMs: 100, offences: 1, forgetMs: 100 }, false)
  nowMs += 20_000
  table.put({ ...subject, key: 'c', leftMs: 100, offences: 1, forgetMs: 100 }, false)
  t.equal(table.size, 1, 'what is forgotten takes no room')
  t.end()
})

t.test('options and calls that are no use', async (t) => {
  const wrong: [unknown, RegExp][] = [
    [{}, /policies\[0\]\.escalate\.after must be a whole number from 1/],
    [{ after: 1 }, /escalate\.banMs must be/],
    [{ after: 0, banMs: 1 }, /escalate\.after must be .* not 0/],
    [{ after: 1, banMs: 1.5 }, /escalate\.banMs must be .* not 1\.5/],
    [{ after: 1, banMs: 1, factor: 0.5 }, /escalate\.factor must be a number of 1 or more, not 0\.5/],
    [{ after: 1, banMs: 100, maxMs: 99 }, /escalate\.maxMs must be as long as banMs, 100, or longer, not 99/],
    [{ after: 1, banMs: 1, for: 1 }, /escalate\.for is no option/],
    [7, /escalate must be an object, not 7/],
  ]
  for (const [escalate, message] of wrong) {
    const app = Fastify()
    await t.rejects(async () => app.register(limiter, { policies: [{ ...policy, escalate: escalate as never }] }), {
      message,
    })
  }
  const app = await appWith(t, { policies: [policy] })
  for (const banMs of [0, -1, 1.5, Number.NaN, '1', undefined, 1e15])
    await t.rejects(app.limiter.ban('a', ['login'], banMs as never), { code: 'ERR_LIMITER_OPTION', message: /banMs/ })
  await t.rejects(app.limiter.ban('a', ['x'], 1), { code: 'ERR_LIMITER_UNKNOWN_POLICY' })
  await t.rejects(app.limiter.ban(7 as never, ['login'], 1), { code: 'ERR_LIMITER_OPTION', message: /subject/ })
  await t.rejects(app.limiter.unban('a', []), { code: 'ERR_LIMITER_OPTION' })
})
