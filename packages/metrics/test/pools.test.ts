import { startPostgres, startRedis, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import pg from 'pg'
import t from 'tap'
import metrics, { type PgPoolLike, type RedisLike } from '../src/index.js'
import { type Sample, scrape, sumOf } from './exposition.js'

const fits: [RedisLike | undefined, RedisLike | undefined, RedisLike | undefined, RedisLike | undefined] = [
  undefined as Redis | undefined,
  undefined as Redis5 | undefined,
  undefined as Cluster | undefined,
  undefined as Cluster5 | undefined,
]
const poolFits: PgPoolLike | undefined = undefined as pg.Pool | undefined

t.test('a pool of pg while PostgreSQL is frozen', async (t) => {
  const postgres = await startPostgres({ own: true })
  t.teardown(() => postgres.release())
  const pool = new pg.Pool({ connectionString: postgres.url, max: 2 })
  pool.on('error', () => {})
  const app = Fastify()
  await app.register(metrics, { runtime: false })
  app.metrics.pool('main', pool)
  const read = async () => {
    const samples = await scrape(app)
    return ['connections', 'idle_connections', 'waiting_requests', 'max_connections'].map((name) =>
      sumOf(samples, `pg_pool_${name}`, { pool: 'main' }),
    )
  }
  t.same(await read(), [0, 0, 0, 2])
  await pool.query('SELECT 1')
  t.same(await read(), [1, 1, 0, 2])
  postgres.freeze()
  const queries = Array.from({ length: 5 }, () => pool.query('SELECT 1').catch(() => {}))
  const startMs = performance.now()
  await waitFor(async () => `${await read()}` === '2,0,3,2')
  t.ok(performance.now() - startMs < 1_000, 'a scrape does not wait for it')
  postgres.thaw()
  await Promise.all(queries)
  t.same(await read(), [2, 2, 0, 2])
  await app.close()
  await pool.end()
})

t.test('clients of ioredis while Redis is frozen', async (t) => {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  const clients: Record<string, Redis> = {
    six: new Redis(redis.url, { maxRetriesPerRequest: null }),
    five: new Redis5(redis.url, { maxRetriesPerRequest: null }) as unknown as Redis,
  }
  const app = Fastify()
  await app.register(metrics, { runtime: false })
  for (const [name, client] of Object.entries(clients)) {
    client.on('error', () => {})
    app.metrics.pool(name, client)
  }
  const of = (samples: Sample[], pool: string) => ({
    up: sumOf(samples, 'redis_up', { pool }),
    ready: sumOf(samples, 'redis_status', { pool, status: 'ready' }),
    waiting: sumOf(samples, 'redis_waiting_commands', { pool }),
    seconds: sumOf(samples, 'redis_ping_duration_seconds', { pool }),
  })
  for (const pool of Object.keys(clients)) {
    await waitFor(async () => of(await scrape(app), pool).seconds !== undefined)
    await waitFor(async () => {
      const now = of(await scrape(app), pool)
      return now.waiting === 0 || now.waiting === 1 // a PING may be under way
    })
  }
  redis.freeze()
  const sets = Object.values(clients).flatMap((client) => [1, 2, 3].map((value) => client.set('key', value)))
  const startMs = performance.now()
  for (const pool of Object.keys(clients)) {
    const seen = await waitFor(async () => {
      const now = of(await scrape(app), pool)
      return (now.seconds ?? 0) > 0.3 ? now : undefined
    })
    t.match(seen, { up: 1, ready: 1 }, 'the client has not noticed')
    t.equal(seen.waiting, 4, 'three commands, and one PING, however often it was scraped')
  }
  t.ok(performance.now() - startMs < 5_000, 'a scrape does not wait for it')
  redis.thaw()
  await Promise.all(sets)
  for (const pool of Object.keys(clients)) {
    await waitFor(async () => of(await scrape(app), pool).seconds! < 0.3)
  }
  await redis.kill()
  for (const pool of Object.keys(clients)) {
    await waitFor(async () => of(await scrape(app), pool).up === 0)
    t.equal(of(await scrape(app), pool).ready, undefined)
    void clients[pool]!.set('key', 1).catch(() => {})
    t.ok(of(await scrape(app), pool).waiting! > 0, 'what it keeps for later waits too')
    clients[pool]!.disconnect()
  }
  await app.close()
})

t.test('what is no pool, and a name that is taken', async (t) => {
  t.ok(fits.length + Number(poolFits === undefined) + Cluster.length + Cluster5.length > 0)
  const app = Fastify()
  await app.register(metrics)
  app.metrics.pool('main', { totalCount: 0, idleCount: 0, waitingCount: 0 })
  t.throws(() => app.metrics.pool('main', { status: 'ready', ping: async () => '' }), {
    code: 'ERR_METRICS_NAME_TAKEN',
  })
  t.throws(() => app.metrics.pool('', { status: 'ready', ping: async () => '' }), { code: 'ERR_METRICS_OPTION' })
  for (const pool of [undefined, null, {}, { query() {} }]) {
    t.throws(() => app.metrics.pool('other', pool as never), { code: 'ERR_METRICS_OPTION', message: /"other"/ })
  }
  await app.close()
})
