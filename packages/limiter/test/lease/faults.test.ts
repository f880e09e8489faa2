import { type OwnRedis, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import limiter, { type LimiterOptions, type Policy } from '../../src/index.js'
import { bucketOf } from '../stores/contract.js'

const windowMs = 60_000
const redisTimeoutMs = 250
/** Five times the bound, for a machine that is busy. */
const longestMs = 5 * redisTimeoutMs
const breaker = { failures: 2, resetMs: 200 }
const hot: Policy = { name: 'hot', limit: 100, windowMs, algorithm: 'fixed', lease: { first: 30 } }

async function serve(
  t: Test,
  redis: OwnRedis,
  options: LimiterOptions = { policies: [hot] },
  keyPrefix = uniquePrefix(),
) {
  const client = new Redis(redis.url, { retryStrategy: () => 20 })
  client.on('error', () => {})
  const app = Fastify()
  t.teardown(async () => {
    await app.close()
    client.disconnect()
  })
  await app.register(limiter, { redis: client, keyPrefix, redisTimeoutMs, breaker, ...options })
  app.get('/', async () => 'ok')
  await app.ready()
  await client.ping()
  const ask = async () => {
    const startMs = performance.now()
    const { statusCode, headers } = await app.inject('/')
    return { statusCode, headers, tookMs: performance.now() - startMs }
  }
  return { app, client, ask, keyPrefix, leases: () => app.limiter.stats().redis!.leases }
}

async function ownRedis(t: Test): Promise<OwnRedis> {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  return redis
}

/** What is left by Redis alone. */
async function leftInRedis(t: Test, redis: OwnRedis, keyPrefix: string, policy: Policy = hot): Promise<number> {
  const { lease: _, ...plain } = policy
  const { app } = await serve(t, redis, { policies: [plain] }, keyPrefix)
  const { policies } = await app.limiter.peek('127.0.0.1', [policy.name])
  return policies[0]!.remaining
}

for (const [onRedisError, after] of [
  ['closed', 503],
  ['open', 200],
  ['local', 200],
] as const) {
  t.test(`2. Redis freezes while leases are out: they are served first, then "${onRedisError}"`, async (t) => {
    const redis = await ownRedis(t)
    const policy = { ...hot, lease: { first: 30, returnAfterMs: 10_000 } }
    const { app, ask, leases } = await serve(t, redis, { policies: [policy], onRedisError, instances: 20 })
    t.equal((await ask()).statusCode, 200)
    redis.freeze()
    let local = 0
    for (const before = leases().local; leases().waits === 1; local = leases().local - before) {
      const { statusCode, tookMs } = await ask()
      if (leases().waits > 1) {
        t.equal(statusCode, after, 'the first for which there is none')
        t.ok(tookMs < longestMs, `${tookMs} ms`)
      } else if (statusCode !== 200 || tookMs >= redisTimeoutMs) t.fail(`${statusCode} after ${tookMs} ms`)
    }
    t.equal(local, 4, 'a 21st of the limit, on top of the first')
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    for (const { tookMs } of answers) t.ok(tookMs < longestMs, `${tookMs} ms`)
    const passed = answers.filter(({ statusCode }) => statusCode === 200).length
    t.equal(passed, { closed: 0, open: 20, local: 4 }[onRedisError])

    redis.thaw()
    await waitFor(async () => (await ask()) && !app.limiter.stats().redis!.isDegraded)
    t.equal((await ask()).statusCode, 200, 'and back by itself')
  })
}

t.test('2. tokens of a call that was given up, and carried out all the same, come back', async (t) => {
  const redis = await ownRedis(t)
  const { ask, keyPrefix } = await serve(t, redis, { policies: [hot], onRedisError: 'closed' })
  redis.freeze()
  t.equal((await ask()).statusCode, 503)
  redis.thaw()
  await waitFor(async () => (await leftInRedis(t, redis, keyPrefix)) === 100)
})

t.test('tokens that nobody asks for come back, and those of an app that closes', async (t) => {
  const redis = await ownRedis(t)
  for (const algorithm of ['fixed', 'sliding'] as const) {
    const policy: Policy = { ...hot, algorithm, lease: { first: 30, returnAfterMs: 50 } }
    const { ask, keyPrefix, leases } = await serve(t, redis, { policies: [policy] })
    await ask()
    await waitFor(async () => (await leftInRedis(t, redis, keyPrefix, policy)) === 99)
    t.ok(leases().returns >= 1)

    const long: Policy = { ...policy, name: 'long', lease: { first: 30, returnAfterMs: 100_000 } }
    const other = await serve(t, redis, { policies: [long] })
    await other.ask()
    t.equal(await leftInRedis(t, redis, other.keyPrefix, long), 69)
    await other.app.close()
    t.equal(await leftInRedis(t, redis, other.keyPrefix, long), 99)
  }
})

t.test('an app that closes holds nothing back, whatever is asked meanwhile and later', async (t) => {
  const redis = await ownRedis(t)
  const policy: Policy = { ...hot, lease: { first: 30, returnAfterMs: 100_000 } }
  const { app, keyPrefix } = await serve(t, redis, { policies: [policy] })
  const check = async () => (await app.limiter.check('127.0.0.1', ['hot'])).isAllowed
  const meanwhile = check()
  await app.close()
  t.same([await meanwhile, await check(), await check()], [true, true, true])
  await waitFor(async () => (await leftInRedis(t, redis, keyPrefix)) === 97)
})

t.test('all policies are charged or none, leased or not, and shadows stop nothing', async (t) => {
  const redis = await ownRedis(t)
  const plain: Policy = { name: 'plain', limit: 2, windowMs, algorithm: 'fixed' }
  const shadow: Policy = { name: 'shadow', limit: 1, windowMs, algorithm: 'fixed', shadow: true, lease: {} }
  const { app, keyPrefix } = await serve(t, redis, { policies: [hot, plain, shadow] })
  const check = async (...names: string[]) => (await app.limiter.check('127.0.0.1', names)).isAllowed
  const both = []
  for (let i = 0; i < 5; i++) both.push(await check('hot', 'plain', 'shadow'))
  t.same(both, [true, true, false, false, false])
  t.match(app.limiter.stats(), { exceeded: { plain: 3 } })
  const left = async (name: string) => (await app.limiter.peek('127.0.0.1', [name])).policies[0]!.remaining
  t.equal(await left('hot'), 98, 'what the process has counts as left for itself')
  for (let i = 0; i < 98; i++) if (!(await check('hot'))) t.fail(`${i}`)
  t.equal(await check('hot'), false)
  t.equal(await left('hot'), 0)
  await app.limiter.reset('127.0.0.1', ['hot'])
  t.equal(await check('hot'), true)
  await app.close()
  await waitFor(async () => (await leftInRedis(t, redis, keyPrefix)) === 99)
})

t.test('what is told of a leased limit is what is left, as last known', async (t) => {
  const redis = await ownRedis(t)
  const { ask } = await serve(t, redis)
  for (let i = 99; i >= 0; i--) {
    const { headers } = await ask()
    t.match(headers.ratelimit, new RegExp(`^"hot";r=${i};t=(60|59|5\\d)$`))
  }
  const { statusCode, headers } = await ask()
  t.equal(statusCode, 429)
  t.ok(Number(headers['retry-after']) >= 50)
})

t.test('what counts for nothing is told what is left as well', async (t) => {
  const redis = await ownRedis(t)
  const free: Policy = { ...hot, cost: ({ headers }) => (headers.free ? 0 : 1) }
  const { app, ask, leases } = await serve(t, redis, { policies: [free] })
  const askFree = async () => (await app.inject({ url: '/', headers: { free: 'yes' } })).headers.ratelimit
  t.equal(await askFree(), '"hot";r=100;t=0')
  await ask()
  const { calls } = app.limiter.stats().redis!
  t.match(await askFree(), /^"hot";r=99;t=(60|59|5\d)$/)
  t.equal(app.limiter.stats().redis!.calls, calls, 'without a call, as it has tokens')
  for (let i = 0; i < 99; i++) await ask()
  t.match(await askFree(), /^"hot";r=0;t=(60|59|5\d)$/)
  t.ok(leases().refills >= 1)
})

t.test('12. a lease that can not be', async (t) => {
  const register = async (policy: object) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(limiter, { limit: 5, windowMs: 1_000, ...policy } as LimiterOptions)
  }
  for (const policy of [
    { lease: true },
    { lease: { first: 0 } },
    { lease: { max: 1.5 } },
    { lease: { first: 10, max: 5 } },
    { lease: { returnAfterMs: '1s' } },
    { lease: {}, algorithm: 'gcra' },
    { lease: {}, settle: () => 1 },
  ])
    await t.rejects(register(policy), { code: 'ERR_LIMITER_OPTION', message: /lease/ }, JSON.stringify(policy))
  await t.rejects(register({ lease: { size: 5 } }), { code: 'ERR_LIMITER_UNKNOWN_OPTION', message: /lease\.size/ })
  await register({ lease: false })
  await register({ lease: {} })
  t.equal(bucketOf('fixed', 1_000).lease, undefined)
})
