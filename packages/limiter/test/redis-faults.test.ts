import { forkFixture, type OwnRedis, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import { type Cluster, Redis } from 'ioredis'
import type { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import t, { type Test } from 'tap'
import limiter, { type DegradedEvent, type LimiterOptions, type RedisLike } from '../src/index.js'

const windowMs = 60_000
const redisTimeoutMs = 150
const breaker = { failures: 3, resetMs: 300 }

/** An app on a Redis of its own, its log, and what is asked of Redis. */
async function serve(t: Test, redis: OwnRedis, options: LimiterOptions = { limit: 10, windowMs }) {
  const client = new Redis(redis.url, { retryStrategy: () => 20 })
  client.on('error', () => {})
  const lines: { level: number; msg: string }[] = []
  const app = Fastify({
    logger: { level: 'info', stream: { write: (line: string) => void lines.push(JSON.parse(line)) } },
  })
  t.teardown(async () => {
    await app.close()
    client.disconnect()
  })
  await app.register(limiter, { redis: client, keyPrefix: uniquePrefix(), redisTimeoutMs, breaker, ...options })
  const changes: DegradedEvent[] = []
  app.limiter.on('degraded', (event) => changes.push(event))
  app.get('/', async () => 'ok')
  const ask = async (client = '127.0.0.1') => {
    const startMs = performance.now()
    const { statusCode } = await app.inject({ url: '/', remoteAddress: client })
    return { statusCode, tookMs: performance.now() - startMs }
  }
  const told = () => lines.filter(({ msg }) => msg.includes('Redis')).map(({ level, msg }) => `${level} ${msg}`)
  return { app, client, ask, told, changes, redisStats: () => app.limiter.stats().redis! }
}

async function ownRedis(t: Test): Promise<OwnRedis> {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  return redis
}

t.test('3. an instance whose clock is 60 s off decides the same', async (t) => {
  const { url } = await startRedis()
  const keyPrefix = uniquePrefix()
  const instances = await Promise.all(
    [0, 60_000, -60_000].map(async (aheadMs) => {
      const options = { limit: 6, windowMs: 2_000, algorithm: 'fixed' }
      const child = await forkFixture(new URL('./fixtures/instance.js', import.meta.url), {
        args: [JSON.stringify({ url, keyPrefix, aheadMs, options })],
      })
      t.teardown(() => child.release())
      return (await waitFor(() => child.reports<string>()[0], { what: child.output() })) as string
    }),
  )
  const round = async () => {
    const answers = []
    for (let i = 0; i < 12; i++) answers.push((await fetch(instances[i % 3]!)).status)
    return answers
  }
  t.same(await round(), [...Array(6).fill(200), ...Array(6).fill(429)], 'they share one limit')
  await waitFor(async () => (await fetch(instances[1]!)).status === 200, { timeoutMs: 5_000 })
  const others = await Promise.all([0, 2].map(async (i) => (await fetch(instances[i]!)).status))
  t.same(others, [200, 200], 'and it is over for all at once')
})

t.test('4. 10,000 requests of a blocked key make at most 10 calls to Redis', async (t) => {
  const { app, ask, redisStats } = await serve(t, await ownRedis(t), { limit: 5, windowMs })
  for (let i = 0; i < 6; i++) await ask()
  const before = redisStats().calls
  for (let i = 0; i < 10_000; i++) if ((await ask()).statusCode !== 429) t.fail('it is blocked')
  t.ok(redisStats().calls - before <= 10, `${redisStats().calls - before} calls`)
  t.equal((await ask('127.0.0.2')).statusCode, 200, 'others are not')
  const { headers } = await app.inject('/')
  t.match(headers.ratelimit, /^"default";r=0;t=\d+$/)
  t.ok(Number(headers['retry-after']) >= Number(/t=(\d+)/.exec(`${headers.ratelimit}`)?.[1]))

  for (let i = 0; i < 11_000; i++) {
    const subject = `s${i}`
    await app.limiter.check(subject, [{ name: 'x', limit: 1, windowMs }], 2)
  }
  t.ok(redisStats().blockedKeys <= 10_000, 'and memory is bounded')
})

t.test('4. a blocked key is free at its time, not later', async (t) => {
  const { ask } = await serve(t, await ownRedis(t), { limit: 1, windowMs: 300, algorithm: 'fixed' })
  const startMs = performance.now()
  t.equal((await ask()).statusCode, 200)
  t.equal((await ask()).statusCode, 429)
  await waitFor(async () => (await ask()).statusCode === 200, { everyMs: 1, timeoutMs: 2_000 })
  const tookMs = performance.now() - startMs
  t.ok(tookMs >= 299 && tookMs < 5 * 300, `free after ${tookMs} ms`)
})

t.test('5. Redis freezes: an answer in time, then no calls; and back by itself', async (t) => {
  const redis = await ownRedis(t)
  const { ask, client, told, changes, redisStats } = await serve(t, redis)
  t.equal((await ask()).statusCode, 200)
  redis.freeze()
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`10.0.0.${i}`)))
  for (const { statusCode, tookMs } of answers) {
    t.equal(statusCode, 200)
    t.ok(tookMs < 5 * redisTimeoutMs, `${tookMs} ms`)
  }
  t.equal(redisStats().isDegraded, true)
  const before = redisStats().calls
  const startMs = performance.now()
  let asked = 0
  for (; performance.now() - startMs < breaker.resetMs / 2; asked++) await ask(`10.1.0.${asked % 250}`)
  t.ok(redisStats().calls - before <= 1, `${redisStats().calls - before} calls for ${asked} requests`)

  // Again and again it is tried by one request, which is answered in time as well.
  const calls = redisStats().calls
  await waitFor(async () => {
    const { tookMs } = await ask('10.2.0.1')
    if (tookMs >= 5 * redisTimeoutMs) t.fail(`${tookMs} ms`)
    return redisStats().calls >= calls + 2
  })
  redis.thaw()
  await waitFor(async () => (await ask('10.3.0.1')) && !redisStats().isDegraded)
  t.equal(client.status, 'ready')
  t.same(told(), [
    '40 Redis does not answer; limits are kept by this process alone',
    '30 Redis answers again; limits are shared',
  ])
  t.match(changes, [{ isDegraded: true, error: /within 150 ms/ }, { isDegraded: false }])
})

t.test('5. a call that was given up is not repeated, and counts once if it is carried out after all', async (t) => {
  const redis = await ownRedis(t)
  const { ask, app, redisStats } = await serve(t, redis)
  await ask('10.0.0.1')
  redis.freeze()
  const calls = redisStats().calls
  await ask('10.0.0.1')
  t.equal(redisStats().calls, calls + 1)
  redis.thaw()
  const remaining = async () => (await app.limiter.peek('10.0.0.1', ['default'])).policies[0]?.remaining
  await waitFor(async () => (await remaining()) === 8)
  t.equal(redisStats().calls <= calls + 20, true)
})

t.test('5. Redis is killed: two instances keep to the limit by themselves, and resume when it is back', async (t) => {
  const redis = await ownRedis(t)
  const options: LimiterOptions = { limit: 10, windowMs, onRedisError: 'local', instances: 2, redisTimeoutMs, breaker }
  const keyPrefix = uniquePrefix()
  const urls = await Promise.all(
    [0, 0].map(async (aheadMs) => {
      const child = await forkFixture(new URL('./fixtures/instance.js', import.meta.url), {
        args: [JSON.stringify({ url: redis.url, keyPrefix, aheadMs, options })],
      })
      t.teardown(() => child.release())
      return (await waitFor(() => child.reports<string>()[0], { what: child.output() })) as string
    }),
  )
  const degraded = async (url: string) =>
    ((await (await fetch(`${url}/stats`)).json()) as { redis: { isDegraded: boolean } }).redis.isDegraded
  await redis.kill()
  const admitted = async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => fetch(urls[i % 2]!)))
    return answers.filter(({ status }) => status === 200).length
  }
  const first = await admitted()
  t.ok(first <= 10 && first >= 8, `${first} admitted in a fresh window`)
  t.equal(await admitted(), 0)
  t.same(await Promise.all(urls.map(degraded)), [true, true])

  await redis.restart()
  for (const url of urls) await waitFor(async () => (await fetch(url)) && !(await degraded(url)))
  // What the two trials have used of the shared limit is not to be known exactly.
  const shared = await admitted()
  t.ok(shared >= 1 && shared <= 10, `${shared} of the shared limit`)
  t.equal(await admitted(), 0)
})

t.test('5. onRedisError: open passes, closed is 503, and both say so once', async (t) => {
  for (const [onRedisError, statusCode] of [
    ['open', 200],
    ['closed', 503],
  ] as const) {
    const redis = await ownRedis(t)
    const { app, ask, told } = await serve(t, redis, { limit: 2, windowMs, onRedisError })
    await redis.kill()
    for (let i = 0; i < 8; i++) t.equal((await ask()).statusCode, statusCode)
    t.equal(told().length, 1)
    if (onRedisError === 'open') continue
    t.match((await app.inject('/')).json(), { code: 'ERR_LIMITER_UNAVAILABLE' })
    await t.rejects(app.limiter.check('a', ['default']), { code: 'ERR_LIMITER_UNAVAILABLE' })
    await t.rejects(app.limiter.reset('a', ['default']), { code: 'ERR_LIMITER_UNAVAILABLE' })
  }
})

t.test('5. a script that Redis has forgotten is loaded again, and counts once', async (t) => {
  const redis = await ownRedis(t)
  const { app, client, ask } = await serve(t, redis)
  const remaining = async () => (await app.limiter.peek('127.0.0.1', ['default'])).policies[0]?.remaining
  await ask()
  t.equal(await remaining(), 9)
  await client.script('FLUSH')
  await Promise.all([ask(), ask(), ask()])
  t.equal(await remaining(), 6)
  await redis.kill()
  await redis.restart()
  await waitFor(() => client.status === 'ready')
  await ask()
  t.equal(await remaining(), 9, 'a new Redis begins anew')
})

t.test('the real clients fit the type', async (t) => {
  const fits = (_: RedisLike[] | undefined) => t.pass()
  fits(undefined as [Redis, Cluster, Redis5, Cluster5] | undefined)
})
