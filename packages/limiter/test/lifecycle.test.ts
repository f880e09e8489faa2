import { checkLifecycle, checkMetricSources, checkQuiet, startRedis, uniquePrefix } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import t from 'tap'
import limiter from '../src/index.js'
import { codes } from './serve.js'

const windowMs = 60_000
const full = (app: FastifyInstance) =>
  app.register(limiter, {
    policies: [
      { name: 'one', limit: 1, windowMs },
      { name: 'two', limit: 2, windowMs, at: 'preHandler', mode: { delay: { maxMs: 10, maxWaiting: 1 } } },
      { name: 'three', limit: 3, windowMs, settle: () => 1 },
      { name: 'four', limit: 4, windowMs, lease: {} },
      { name: 'five', limit: 5, windowMs, algorithm: 'concurrency' },
    ],
    allow: ['10.0.0.1'],
  })

t.test('the contracts of docs/architecture.md', async (t) => {
  await t.resolves(checkLifecycle((app) => app.register(limiter)))
  await t.resolves(checkLifecycle(full))
  await t.resolves(checkQuiet((app) => app.register(limiter)))
  await t.resolves(checkQuiet(full))
})

t.test('metrics tell what became of requests, and of Redis', async (t) => {
  const { url } = await startRedis()
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  const families = await checkMetricSources(
    (app) => app.register(limiter, { limit: 1, windowMs, redis, keyPrefix: uniquePrefix(), redisTimeoutMs: 5_000 }),
    async (app) => void (await codes(app, 3, '/nowhere')),
  )
  const value = (name: string, label?: string) =>
    families
      .find((family) => family.name === name)
      ?.samples.find(({ labels }) => Object.values(labels ?? {})[0] === label)?.value
  t.equal(value('limiter_requests_total', 'allowed'), 1)
  t.equal(value('limiter_requests_total', 'exceeded'), 2)
  t.equal(value('limiter_exceeded_total', 'default'), 2)
  t.equal(value('limiter_known_total'), 1)
  t.equal(value('limiter_degraded'), 0)
  t.ok(value('limiter_redis_calls_total')! >= 2)
})

t.test('limiters side by side tell one sum, and twenty apps don’t see each other', async (t) => {
  const families = await checkMetricSources(
    async (app) => {
      for (const prefix of ['/a', '/b']) {
        await app.register(
          async (child) => {
            await child.register(limiter, { limit: 1, windowMs })
            child.get('/', async () => 'ok')
          },
          { prefix },
        )
      }
    },
    async (app) => void (await Promise.all([codes(app, 2, '/a'), codes(app, 2, '/b')])),
  )
  t.match(families.find(({ name }) => name === 'limiter_exceeded_total')?.samples, [{ value: 2 }])

  const apps = Array.from({ length: 20 }, () => Fastify())
  for (const app of apps) {
    await app.register(limiter, { limit: 1, windowMs })
    app.get('/', async () => 'ok')
  }
  for (const app of apps) t.same(await codes(app, 2), [200, 429])
  await Promise.all(apps.map((app) => app.close()))
})

t.test('2. over HTTP: A = 1/min and B = 100/min, five tries: B has used 1', async (t) => {
  const { url } = await startRedis()
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  for (const options of [{}, { redis, keyPrefix: uniquePrefix(), redisTimeoutMs: 5_000 }]) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(limiter, {
      ...options,
      policies: [
        { name: 'B', limit: 100, windowMs },
        { name: 'A', limit: 1, windowMs },
      ],
    })
    app.get('/', async () => 'ok')
    t.same(await codes(app, 5), [200, 429, 429, 429, 429])
    t.match(await app.limiter.peek('127.0.0.1', ['B']), { policies: [{ remaining: 99 }] })
  }
})
