import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import rateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit'
import { type OwnRedis, startChild, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { rateLimitStore, type StoreOptions } from '../../src/fastify-rate-limit/index.js'

const unavailable = {
  statusCode: 503,
  code: 'ERR_LIMITER_UNAVAILABLE',
  error: 'Service Unavailable',
  message: 'the limit of this request can’t be checked now; try again later',
}

async function ownRedis(t: Test): Promise<OwnRedis> {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  return redis
}

async function serve(
  t: Test,
  { url }: { url: string },
  options: RateLimitPluginOptions,
  store: Partial<StoreOptions> = {},
): Promise<{
  app: FastifyInstance
  redis: Redis
  codes(count: number, url?: string, headers?: object): Promise<number[]>
}> {
  const redis = new Redis(url, { retryStrategy: () => 20 })
  redis.on('error', () => {})
  await redis.ping()
  const app = Fastify()
  t.teardown(async () => {
    await app.close()
    redis.disconnect()
  })
  const all = {
    redis,
    keyPrefix: uniquePrefix(),
    redisTimeoutMs: 500,
    breaker: { failures: 2, resetMs: 200 },
    ...store,
  }
  await app.register(rateLimit, { ...options, store: rateLimitStore(all) as never })
  app.get('/', async () => 'ok')
  app.get('/own', { config: { rateLimit: { max: 1, timeWindow: 60_000 } } }, async () => 'ok')
  app.get('/off', { config: { rateLimit: false } }, async () => 'ok')
  app.get('/a', { config: { rateLimit: { max: 3, timeWindow: 60_000, groupId: 'g' } } }, async () => 'ok')
  app.get('/b', { config: { rateLimit: { max: 3, timeWindow: 60_000, groupId: 'g' } } }, async () => 'ok')
  app.get('/hook', { config: { rateLimit: false }, onRequest: app.rateLimit({ max: 1 }) }, async () => 'ok')
  const codes = async (count: number, url = '/', headers = {}) => {
    const all: number[] = []
    for (let i = 0; i < count; i++) all.push((await app.inject({ url, headers })).statusCode)
    return all
  }
  return { app, redis, codes }
}

t.test('8. its own published tests for Redis pass on our store', async (t) => {
  const { port } = await ownRedis(t)
  const folder = dirname(createRequire(import.meta.url).resolve('@fastify/rate-limit'))
  const text = await readFile(join(folder, 'test/redis-rate-limit.test.js'), 'utf8')
  const shim = fileURLToPath(new URL('../fixtures/rate-limit-shim.cjs', import.meta.url))
  const here = JSON.stringify(fileURLToPath(import.meta.url))
  const adapted = text
    .replace(/require\('\.\.\/index'\)/, `require(${JSON.stringify(shim)})`)
    .replace(/require\('(fastify|ioredis)'\)/g, `require('node:module').createRequire(${here})('$1')`)
    .replaceAll('host: REDIS_HOST', `port: ${port}`)
    // The one difference: what Redis does not answer is 503 and a code, instead of 500 and what the client has thrown.
    .replaceAll('statusCode, 500)', 'statusCode, 503)')
    .replaceAll(/'\{"statusCode":500.*?\}'/g, JSON.stringify(JSON.stringify(unavailable)))
  const file = join(t.testdir(), 'redis-rate-limit.test.cjs')
  await writeFile(file, adapted)
  const child = await startChild(process.execPath, ['--test', '--test-reporter=tap', file])
  t.teardown(() => child.release())
  const { code } = await child.exit
  t.equal(code, 0, child.output())
  t.match(child.output(), /# pass [1-9]/)
})

t.test('8. global, per route, off, groups, hooks, own keys and errors, as they are documented', async (t) => {
  const { app, codes } = await serve(t, await startRedis(), {
    max: 2,
    timeWindow: 60_000,
    ban: 1,
    keyGenerator: (request) => `${request.headers.user}`,
    errorResponseBuilder: (_, { statusCode, max, ban }) => Object.assign(new Error(`${max} ${ban}`), { statusCode }),
  })
  const first = await app.inject({ url: '/', headers: { user: 'h' } })
  t.match(first.headers, { 'x-ratelimit-limit': '2', 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '60' })
  t.same(await codes(4, '/', { user: 'a' }), [200, 200, 429, 403], 'and banned in the end')
  t.match((await app.inject({ url: '/', headers: { user: 'a' } })).json(), { message: '2 true' })
  t.same(await codes(2, '/', { user: 'b' }), [200, 200], 'others are not')
  t.same(await codes(2, '/own', { user: 'c' }), [200, 429])
  t.same(await codes(1, '/', { user: 'c' }), [200], 'a route counts by itself')
  t.same(await codes(5, '/off', { user: 'a' }), [200, 200, 200, 200, 200])
  t.same(await codes(2, '/hook', { user: 'd' }), [200, 429])
  const group = [...(await codes(2, '/a', { user: 'e' })), ...(await codes(2, '/b', { user: 'e' }))]
  t.same(group, [200, 200, 200, 429], 'a group counts over its routes')
  const check = app.createRateLimit()
  const request = { headers: { user: 'p' }, routeOptions: {} } as never
  t.match(await check(request), { remaining: 1, isExceeded: false })
  t.match(await check(request, { increment: false }), { remaining: 1 }, 'reading counts nothing')
})

t.test('8. continueExceeding begins anew with each request that is too many, exponentialBackoff doubles', async (t) => {
  const redis = await startRedis()
  const more = await serve(t, redis, { max: 1, timeWindow: 1_000, continueExceeding: true })
  await more.codes(1)
  for (let i = 0; i < 12; i++) {
    t.same(await more.codes(1), [429])
    await new Promise((resolve) => setTimeout(resolve, 120))
  }
  const back = await serve(t, redis, { max: 1, timeWindow: 10_000, exponentialBackoff: true })
  await back.codes(1)
  const waits = []
  for (let i = 0; i < 3; i++) waits.push((await back.app.inject('/')).headers['retry-after'])
  t.same(waits, ['10', '20', '40'])
})

t.test('8. a counter whose TTL is lost heals', async (t) => {
  const { redis, codes } = await serve(t, await ownRedis(t), { max: 1, timeWindow: 300 })
  t.same(await codes(2), [200, 429])
  for (const key of await redis.keys('*')) await redis.persist(key)
  await waitFor(async () => (await codes(1))[0] === 200, { timeoutMs: 3_000 })
})

t.test('8. Redis frozen and killed: a deadline, the breaker, and what is stated; then back by itself', async (t) => {
  for (const [onRedisError, expected] of [
    ['local', [200, 200, 429]],
    ['open', [200, 200, 200]],
    ['closed', [503, 503, 503]],
  ] as const) {
    const redis = await ownRedis(t)
    const { app, codes } = await serve(t, redis, { max: 4, timeWindow: 60_000 }, { onRedisError, instances: 2 })
    t.same(await codes(1), [200])
    redis.freeze()
    const startMs = performance.now()
    t.same(await codes(3), expected, `frozen, ${onRedisError}`)
    t.ok(performance.now() - startMs < 5 * 2 * 500, 'two of them have waited')
    await redis.kill()
    t.same(await codes(1), expected.slice(-1), 'killed')
    await redis.restart()
    await waitFor(async () => Number((await app.inject('/')).headers['x-ratelimit-remaining']) === 3)
  }
})

t.test('12. options that can not be', async (t) => {
  const redis = new Redis({ lazyConnect: true })
  for (const options of [
    {},
    { redis: {} },
    { redis, instances: 0 },
    { redis, onRedisError: 'no' },
    { redis, keyPrefix: '{' },
  ])
    t.throws(() => rateLimitStore(options as never), { code: 'ERR_LIMITER_OPTION' })
  t.throws(() => rateLimitStore({ redis, nameSpace: 'a' } as never), { code: 'ERR_LIMITER_UNKNOWN_OPTION' })
})
