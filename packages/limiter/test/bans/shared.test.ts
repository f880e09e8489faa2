import {
  type Child,
  forkFixture,
  type OwnRedis,
  startRedis,
  startRedisCluster,
  uniquePrefix,
  waitFor,
} from '@steadfast/testing'
import { Cluster, Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { BannedEvent, LimiterOptions, Policy, RedisLike } from '../../src/index.js'
import limiter from '../../src/index.js'
import { Fastify } from '../fastify.js'
import { codes } from '../serve.js'

const windowMs = 60_000
const policy: Policy = {
  name: 'login',
  limit: 1,
  windowMs,
  algorithm: 'fixed',
  key: ({ headers }) => `${headers.user}`,
}
const escalate = { after: 2, banMs: 2_000, factor: 3 }
const breaker = { failures: 2, resetMs: 200 }

/** An instance in this process. */
async function serve(t: Test, redis: RedisLike, keyPrefix: string, given: Partial<Policy> = { escalate }) {
  const app = Fastify()
  t.teardown(() => app.close())
  const options: LimiterOptions = { policies: [{ ...policy, ...given }], bans: true, redisTimeoutMs: 300, breaker }
  await app.register(limiter, { ...options, redis, keyPrefix })
  app.get('/', async () => 'ok')
  const events: BannedEvent[] = []
  app.limiter.on('banned', (event) => events.push(event))
  await app.ready()
  return { app, events, ask: (user: string, count = 1) => codes(app, count, '/', { user }) }
}

function clientOf(t: Test, { url }: { url: string }): Redis {
  const client = new Redis(url, { retryStrategy: () => 20 })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}

/** One in a process of its own. */
async function fork(t: Test, { url }: { url: string }, keyPrefix: string): Promise<{ url: string; child: Child }> {
  const child = await forkFixture(new URL('../fixtures/bans.js', import.meta.url), { args: [url, keyPrefix] })
  t.teardown(() => child.release())
  const own = (await waitFor(() => child.reports<string>()[0], { what: child.output() })) as string
  return { url: own, child }
}

async function ownRedis(t: Test): Promise<OwnRedis> {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  return redis
}

t.test('6. the third offence bans for banMs × factor² on every instance within a second', async (t) => {
  const redis = await startRedis()
  const keyPrefix = uniquePrefix()
  const { app, ask, events } = await serve(t, clientOf(t, redis), keyPrefix, { escalate: { ...escalate, banMs: 300 } })
  const others = await Promise.all([fork(t, redis, keyPrefix), fork(t, redis, keyPrefix)])
  // A machine that stalls makes all of them wait: one try of some without is what shows it.
  const tries: number[][] = []
  const isInTime = () => tries.at(-1)?.every((ms) => ms < 1_000)
  for (const user of ['a', 'b', 'c', 'd', 'e']) {
    const isTold = async (status: number) => {
      const answers = await Promise.all(others.map(({ url }) => fetch(url, { headers: { user } })))
      return answers.every((answer) => answer.status === status)
    }
    t.equal((await ask(user))[0], 200)
    let bannedMs = 0
    for (const [offence, banMs] of [300, 900, 2_700].entries()) {
      await waitFor(() => performance.now() > bannedMs)
      await waitFor(async () => (await ask(user))[0] === 403)
      bannedMs = performance.now() + banMs
      t.match(events.at(-1), { policy: 'login', key: user, offences: offence + 1 })
      t.ok(Math.abs(events.at(-1)!.banMs - banMs) < 50, `${events.at(-1)!.banMs} ms: ${banMs}`)
    }
    await waitFor(() => isTold(403))
    const knownMs = performance.now() - (bannedMs - 2_700)
    for (const { child } of others) {
      const told = child.reports<BannedEvent>().findLast(({ key, offences }) => key === user && offences === 3)
      t.match(told, { policy: 'login', key: user }, 'each instance tells its listeners')
    }
    const { retryAfterMs } = await app.limiter.peek(user, ['login'])
    t.ok(Math.abs(retryAfterMs - (bannedMs - performance.now())) < 300)

    await app.limiter.unban(user, ['login'])
    t.same(await ask(user), [429], 'unban holds here at once')
    const liftedMs = performance.now()
    await waitFor(() => isTold(429))
    tries.push([knownMs, performance.now() - liftedMs])
    if (isInTime()) break
  }
  t.ok(isInTime(), `known to all, and that it is lifted, after ${tries.join(' and ')} ms`)
})

t.test('6. a flood of refusals over two instances offends once, and asks Redis a few times', async (t) => {
  const redis = await ownRedis(t)
  const keyPrefix = uniquePrefix()
  const [one, two] = [await serve(t, clientOf(t, redis), keyPrefix), await serve(t, clientOf(t, redis), keyPrefix)]
  const calls = () => one.app.limiter.stats().redis!.calls + two.app.limiter.stats().redis!.calls
  await one.ask('a', 1)
  const before = calls()
  await Promise.all([one, two].flatMap(({ ask }) => Array.from({ length: 2_000 }, () => ask('a'))))
  await waitFor(async () => (await one.ask('a'))[0] === 403 && (await two.ask('a'))[0] === 403)
  t.equal(one.events[0]!.offences, 1)
  t.equal(two.events[0]!.offences, 1)
  t.ok(calls() - before < 4_100, `${calls() - before} calls, most for the limit itself`)
  const settled = calls()
  const startMs = performance.now()
  for (let i = 0; i < 5_000; i++) if ((await one.ask('a'))[0] !== 403) break
  // Both look for bans of others twice a second.
  const looks = 4 * Math.ceil((performance.now() - startMs) / 1_000)
  t.ok(calls() - settled <= 10 + looks, `${calls() - settled} calls for one who is banned`)
})

t.test('6. a restart of Redis, which keeps nothing, loses no ban', async (t) => {
  const redis = await ownRedis(t)
  const keyPrefix = uniquePrefix()
  const long = { escalate: { after: 1, banMs: 20_000, factor: 1 } }
  const [one, two] = [
    await serve(t, clientOf(t, redis), keyPrefix, long),
    await serve(t, clientOf(t, redis), keyPrefix, long),
  ]
  t.same(await one.ask('a', 2), [200, 429])
  await one.app.limiter.ban('b', ['login'], 20_000)
  await waitFor(async () => (await two.ask('a'))[0] === 403 && (await two.ask('b'))[0] === 403)
  await redis.kill()
  t.same([await one.ask('a'), await two.ask('a'), await two.ask('b')], [[403], [403], [403]], 'without Redis')
  await redis.restart()
  // Who only looks does not offend anew.
  const isBackThere = async () => {
    const third = await serve(t, clientOf(t, redis), keyPrefix, long)
    const [a, b] = [await third.app.limiter.peek('a', ['login']), await third.app.limiter.peek('b', ['login'])]
    await third.app.close()
    return !a.isAllowed && !b.isAllowed
  }
  await waitFor(isBackThere, { everyMs: 100 })
  t.same([await one.ask('a'), await two.ask('a')], [[403], [403]])
  t.equal(two.events.filter(({ key }) => key === 'a').length, 1, 'and nobody is told again')
})

t.test('bans of which Redis had to evict a part are told to it again', async (t) => {
  const redis = clientOf(t, await startRedis())
  for (const parts of [[''], [':version'], [':end'], [':meta'], ['', ':version', ':end']]) {
    const keyPrefix = uniquePrefix()
    const one = await serve(t, redis, keyPrefix)
    await one.app.limiter.ban('a', ['login'], 20_000)
    const keys = ['', ':version', ':end', ':meta'].map((part) => `{${keyPrefix}bans}${part}`)
    t.equal(await redis.exists(keys), keys.length)
    await redis.del(parts.map((part) => `{${keyPrefix}bans}${part}`))
    await waitFor(async () => {
      const two = await serve(t, redis, keyPrefix)
      const [code] = await two.ask('a')
      await two.app.close()
      return code === 403
    })
    t.equal(await redis.exists(keys), keys.length, `${parts}`)
    t.equal(one.events.length, 1, 'and nobody is told again')
    await one.app.close()
  }
})

t.test('6. offences outlast a restart of Redis as well', async (t) => {
  const redis = await ownRedis(t)
  const short = { escalate: { after: 1, banMs: 300, factor: 2 } }
  const { ask, events, app } = await serve(t, clientOf(t, redis), uniquePrefix(), short)
  t.same(await ask('a', 2), [200, 429])
  await waitFor(() => events.length === 1)
  await redis.kill()
  await redis.restart()
  await waitFor(() => app.limiter.stats().bans === 0)
  await waitFor(async () => (await ask('a')) && events.length === 2)
  t.match(events.at(-1), { offences: 2 })
})

t.test('6. without Redis each process bans by itself, and tells Redis when it is back', async (t) => {
  const redis = await ownRedis(t)
  const keyPrefix = uniquePrefix()
  const [one, two] = [await serve(t, clientOf(t, redis), keyPrefix), await serve(t, clientOf(t, redis), keyPrefix)]
  const long = { escalate: { after: 2, banMs: 20_000 } }
  const third = await serve(t, clientOf(t, redis), keyPrefix, long)
  redis.freeze()
  await waitFor(() => third.app.limiter.stats().redis!.isDegraded)
  t.same(await third.ask('a', 4), [200, 429, 429, 403])
  await t.rejects(third.app.limiter.ban('b', ['login'], 20_000), { code: 'ERR_LIMITER_UNAVAILABLE' })
  t.same(await third.ask('b'), [403], 'it holds here')
  await t.rejects(third.app.limiter.unban('c', ['login']), { code: 'ERR_LIMITER_UNAVAILABLE' })
  redis.thaw()
  for (const { ask } of [one, two])
    await waitFor(async () => (await ask('a'))[0] === 403 && (await ask('b'))[0] === 403)
  t.pass('the others know')
})

t.test('many bans, of any key, are all known to an instance that starts', async (t) => {
  const redis = clientOf(t, await startRedis())
  const keyPrefix = uniquePrefix()
  const one = await serve(t, redis, keyPrefix)
  const odd = ['', ' ', 'a b|c\n"\'\\{}', '{x}y', '\ud800', '\udc00', 'é\u0000', 'x'.repeat(1_000)]
  const keys = [...odd, ...Array.from({ length: 2_500 }, (_, i) => `k${i}`)]
  await Promise.all(keys.map((key) => one.app.limiter.ban(key, ['login'], 60_000)))
  const two = await serve(t, redis, keyPrefix)
  const known = await Promise.all(keys.map((key) => two.app.limiter.peek(key, ['login'])))
  t.same(
    keys.filter((_, i) => known[i]!.isAllowed),
    [],
  )
  t.match(await two.app.limiter.peek('\ud801', ['login']), { isAllowed: true })
  t.equal(two.app.limiter.stats().bans, keys.length)
  t.same(two.events, [], 'they are no news')
})

t.test('in a Cluster', async (t) => {
  const { nodes } = await startRedisCluster()
  const clients = [0, 1].map(() => {
    const client = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
    client.on('error', () => {})
    t.teardown(() => client.disconnect())
    return client
  })
  await Promise.all(clients.map((client) => waitFor(async () => (await client.set(uniquePrefix(), 1)) === 'OK')))
  const keyPrefix = uniquePrefix()
  const [one, two] = [await serve(t, clients[0]!, keyPrefix), await serve(t, clients[1]!, keyPrefix)]
  for (const user of ['a', 'b', 'c', 'd']) {
    t.equal((await one.ask(user))[0], 200)
    await waitFor(async () => (await one.ask(user))[0] === 403)
    await waitFor(async () => (await two.ask(user))[0] === 403, { timeoutMs: 2_000 })
  }
})

t.test('a ban that would hold in this process alone is refused, unless it is asked for', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const redis = clientOf(t, await startRedis())
  await app.register(limiter, { policies: [policy], redis, keyPrefix: uniquePrefix() })
  const fault = { code: 'ERR_LIMITER_OPTION', message: /^bans must be true/ }
  await t.rejects(app.limiter.ban('a', ['login'], 1_000), fault)
  await app.ready()
  const { calls } = app.limiter.stats().redis!
  t.equal(calls, 0, 'nor does it look for bans then')
})
