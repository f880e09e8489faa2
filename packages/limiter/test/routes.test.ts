import type { FastifyRequest } from 'fastify'
import t from 'tap'
import limiter, { type ExceededEvent } from '../src/index.js'
import { Fastify } from './fastify.js'
import { appWith, codes } from './serve.js'

const windowMs = 60_000

t.test('7. a group counts over its routes: the script of fastify-rate-limit#463', async (t) => {
  const app = await appWith(t, {})
  for (const url of ['/a', '/b', '/c']) {
    app.get(url, { config: { limiter: { limit: 3, windowMs, group: 'one' } } }, async () => 'ok')
  }
  const other = { limit: 3, windowMs: 1_000, group: 'one' }
  t.throws(() => app.get('/d', { config: { limiter: other } }, async () => 'ok'), { code: 'ERR_LIMITER_OPTION' })
  const answers = []
  for (const url of ['/a', '/b', '/c', '/a', '/b']) answers.push(...(await codes(app, 1, url)))
  t.same(answers, [200, 200, 200, 429, 429], '429 on request 4')
  t.same(await codes(app, 1), [200], 'others have no limit')
})

t.test(
  '7. limits of routes are their own, and stand beside those of the plugin unless they have their names',
  async (t) => {
    const app = await appWith(t, {
      policies: [
        { name: 'ip', limit: 5, windowMs },
        { name: 'slow', limit: 4, windowMs, algorithm: 'fixed' },
      ],
    })
    app.get(
      '/own',
      { config: { limiter: { policies: [{ name: 'slow', limit: 2, windowMs }] } } },
      async (request) => request.limits,
    )
    app.get('/alone', { config: { limiter: { limit: 1, windowMs, inherit: false } } }, async () => 'ok')
    app.get('/off', { config: { limiter: false } }, async () => 'ok')
    const { json } = await app.inject('/own')
    t.match(json(), { ip: { limit: 5, remaining: 4 }, slow: { limit: 2, remaining: 1 } })
    t.same(await codes(app, 2, '/own'), [200, 429])
    t.same(await codes(app, 3), [200, 200, 200], 'ip has counted 2 by now, slow none')
    t.same(await codes(app, 1), [429], 'and now 5')
    t.same(await codes(app, 2, '/alone'), [200, 429])
    t.same(await codes(app, 9, '/off'), Array(9).fill(200))
  },
)

t.test('7. HEAD counts as GET, other methods count apart', async (t) => {
  const app = await appWith(t, {})
  const config = { limiter: { limit: 2, windowMs } }
  app.get('/x', { config }, async () => 'ok')
  app.post('/x', { config }, async () => 'ok')
  t.same(await codes(app, 1, '/x'), [200])
  t.equal((await app.inject({ method: 'HEAD', url: '/x' })).statusCode, 200)
  t.same(await codes(app, 1, '/x'), [429])
  t.equal((await app.inject({ method: 'POST', url: '/x' })).statusCode, 200)
})

t.test('7. cost: a number, by request, and of all policies of a route', async (t) => {
  const app = await appWith(t, { limit: 10, windowMs, cost: (request) => Number(request.headers.cost ?? 1) })
  app.get('/dear', { config: { limiter: { cost: 4 } } }, async () => 'ok')
  t.same(await codes(app, 1, '/', { cost: '7' }), [200])
  t.same(await codes(app, 1, '/', { cost: '4' }), [429], 'nothing is taken where not all is there')
  t.same(await codes(app, 1, '/', { cost: '0' }), [200])
  t.same(await codes(app, 1, '/dear'), [429])
  t.same(await codes(app, 4), [200, 200, 200, 429])
})

t.test('7. limits by client, and keys by request', async (t) => {
  const tiers: Record<string, number> = { free: 1, paid: 3 }
  const app = await appWith(t, {
    limit: (request) => tiers[`${request.headers.plan}`] ?? 0,
    windowMs,
    key: (request) => (request.headers.plan === undefined ? null : `${request.headers.plan}`),
  })
  t.same(await codes(app, 2, '/', { plan: 'free' }), [200, 429])
  t.same(await codes(app, 4, '/', { plan: 'paid' }), [200, 200, 200, 429])
  t.same(await codes(app, 4), [200, 200, 200, 200], 'null: not for this request')
})

t.test('7. prefixed children count with the app, and a limiter of a child is for that alone', async (t) => {
  const app = await appWith(t, { limit: 2, windowMs })
  await app.register(async (child) => void child.get('/y', async () => 'ok'), { prefix: '/child' })
  t.same([...(await codes(app, 1)), ...(await codes(app, 2, '/child/y'))], [200, 200, 429])
  const twice = Fastify()
  t.teardown(() => twice.close())
  await twice.register(limiter)
  twice.register(async (child) => void (await child.register(limiter)))
  await t.rejects(async () => twice.ready(), { code: 'ERR_LIMITER_REGISTERED_TWICE' })

  const outer = Fastify()
  t.teardown(() => outer.close())
  outer.get('/free', async () => 'ok')
  for (const [prefix, limit] of [
    ['/one', 1],
    ['/two', 2],
  ] as const) {
    await outer.register(
      async (child) => {
        await child.register(limiter, { limit, windowMs })
        child.get('/x', async () => 'ok')
      },
      { prefix },
    )
  }
  t.same(await codes(outer, 2, '/one/x'), [200, 429])
  t.same(await codes(outer, 3, '/two/x'), [200, 200, 429])
  t.same(await codes(outer, 3, '/free'), [200, 200, 200])
})

t.test('7. routes that are declared before the plugin are limited as they say, or refused', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const route = (url: string, limiter: object | false) =>
    app.get(url, { config: { limiter } as object }, async () => 'ok')
  app.register(async (child) => void child.get('/child', async () => 'ok'))
  app.get('/plain', async () => 'ok')
  route('/own', { limit: 1, windowMs })
  route('/off', false)
  route('/misspelt', { limits: 1 })
  route('/late', { limit: 1, windowMs, at: 'preHandler' })
  app.register(limiter, { limit: 2, windowMs })
  await app.ready()
  t.same(await codes(app, 2, '/own'), [200, 429])
  t.same([...(await codes(app, 2, '/plain')), ...(await codes(app, 1, '/child'))], [200, 200, 429])
  t.same(await codes(app, 3, '/off'), [200, 200, 200])
  t.match((await app.inject('/misspelt')).json(), { statusCode: 500, code: 'ERR_LIMITER_UNKNOWN_OPTION' })
  t.match((await app.inject('/late')).json(), { statusCode: 500, code: 'ERR_LIMITER_OPTION' })
})

t.test('7. route config that is misspelt, or can’t be, is refused with the route', async (t) => {
  const app = await appWith(t, { limit: 2, windowMs })
  for (const [limiter, code] of [
    [{ limits: 1 }, 'UNKNOWN_OPTION'],
    [{ limit: 1, window: 5 }, 'UNKNOWN_OPTION'],
    [{ limit: 0, windowMs }, 'OPTION'],
    [{ limit: 1 }, 'OPTION'],
    [{ policies: [{ name: 'a', limit: 1, windowMs, costs: 1 }] }, 'UNKNOWN_OPTION'],
    [{ cost: -1 }, 'OPTION'],
    [true, 'OPTION'],
    [null, 'OPTION'],
  ] as const) {
    const declare = () => app.get(`/${Math.random()}`, { config: { limiter } as object }, async () => 'ok')
    t.throws(
      declare,
      { code: `ERR_LIMITER_${code}`, message: 'config.limiter of route GET /' },
      JSON.stringify(limiter),
    )
  }
})

t.test('policies of users run at preHandler, and count once, whoever answers', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.decorateRequest('user', '')
  await app.register(limiter, {
    policies: [
      { name: 'ip', limit: 100, windowMs },
      {
        name: 'user',
        limit: 2,
        windowMs,
        at: 'preHandler',
        key: (request) => (request as FastifyRequest & { user: string }).user,
      },
    ],
  })
  const seen: ExceededEvent[] = []
  app.limiter.on('exceeded', (event) => seen.push(event))
  app.addHook(
    'preValidation',
    async (request) => void Object.assign(request, { user: request.headers.user ?? 'nobody' }),
  )
  app.get('/', async (request) => request.limits)
  app.get('/gone', async (_request, reply) => void reply.callNotFound())
  t.match((await app.inject({ url: '/', headers: { user: 'a' } })).json(), {
    ip: { remaining: 99 },
    user: { remaining: 1 },
  })
  const gone = await app.inject({ url: '/gone', headers: { user: 'a' } })
  t.equal(gone.statusCode, 404)
  t.match(gone.headers.ratelimit, /^"ip";r=98;t=6[0-3], "user";r=0;t=6[0-3]$/)
  t.same(await codes(app, 1, '/', { user: 'b' }), [200])
  t.same(await codes(app, 1, '/', { user: 'a' }), [429])
  t.match(seen, [{ policies: ['user'], key: 'a', isShadow: false }])
  t.ok(seen[0]!.retryAfterMs > 50_000)
  t.match(app.limiter.stats(), { requests: { allowed: 3, exceeded: 1 }, exceeded: { user: 1 } })
})

t.test('by hand: check, peek, reset and hook', async (t) => {
  const app = await appWith(t, { policies: [{ name: 'mails', limit: 2, windowMs, key: () => null }] })
  const inline = { name: 'sms', limit: 1, windowMs }
  t.match(await app.limiter.peek('u', ['mails'], 2), { isAllowed: true, policies: [{ remaining: 2 }] })
  t.match(await app.limiter.check('u', ['mails', inline]), { isAllowed: true, retryAfterMs: 0 })
  const second = await app.limiter.check('u', ['mails', inline])
  t.match(second, {
    isAllowed: false,
    policies: [
      { name: 'mails', isExceeded: false, remaining: 1 },
      { name: 'sms', isExceeded: true },
    ],
  })
  t.ok(second.retryAfterMs > 50_000)
  await app.limiter.reset('u', [inline])
  t.match(await app.limiter.check('u', ['mails', inline]), { isAllowed: true })
  t.match(await app.limiter.peek('u', ['mails']), { isAllowed: false })
  await t.rejects(app.limiter.check('u', ['none']), { code: 'ERR_LIMITER_UNKNOWN_POLICY', message: 'there are mails' })
  await t.rejects(app.limiter.check('u', ['mails'], -1), { code: 'ERR_LIMITER_OPTION' })
  await t.rejects(app.limiter.check(5 as never, ['mails']), { code: 'ERR_LIMITER_OPTION' })
  await t.rejects(app.limiter.check('u', []), { code: 'ERR_LIMITER_OPTION' })

  const onRequest = app.limiter.hook({ limit: 1, windowMs })
  app.get('/hooked', { onRequest }, async () => 'ok')
  app.get('/hooked-too', { onRequest }, async () => 'ok')
  t.same(await codes(app, 2, '/hooked'), [200, 429])
  t.same(await codes(app, 2, '/hooked-too'), [200, 429])
  t.throws(() => app.limiter.hook({ limit: 1, windowMs, settle: () => 1 }), { code: 'ERR_LIMITER_OPTION' })
})

t.test(
  'a key function is asked once a request; what it counts for is told by request.limits, after a later stage as well',
  async (t) => {
    const asked = { early: 0, late: 0 }
    const key = (of: 'early' | 'late') => () => {
      asked[of]++
      return 'one'
    }
    const app = await appWith(t, {
      policies: [
        { name: 'early', limit: 3, windowMs, key: key('early') },
        { name: 'late', limit: 2, windowMs, at: 'preHandler', key: key('late') },
      ],
    })
    app.get('/told', async (request) => request.limits)
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await app.inject('/told'))
    t.same(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 429, 429],
    )
    t.same(asked, { early: 4, late: 3 })
    t.match(answers[1]!.json(), { early: { limit: 3, remaining: 1 }, late: { limit: 2, remaining: 0 } })
    t.match(answers[1]!.headers, { ratelimit: /^"early";r=1;t=\d+, "late";r=0;t=\d+$/ })
    t.match(app.limiter.stats().requests, { allowed: 2, exceeded: 2 })
  },
)
