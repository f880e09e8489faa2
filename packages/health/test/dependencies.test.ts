import { startPostgres, startProxy, startRedis, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import { type Cluster, Redis } from 'ioredis'
import { type Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import pg from 'pg'
import t, { type Test } from 'tap'
import health, {
  type HealthChange,
  type HealthCheck,
  type PgLike,
  type PgPoolLike,
  pgCheck,
  type RedisLike,
  redisCheck,
} from '../src/index.js'

const everyMs = 100
const timeoutMs = 300
const often = { everyMs, timeoutMs, passAfter: 2 }

/** An app with these checks that listens, its probes, and its change events. */
async function serve(t: Test, checks: Record<string, HealthCheck>) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(health, { checks })
  const changes: HealthChange[] = []
  app.health.on('change', (change) => changes.push(change))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const ask = async (probe: string) => {
    const response = await fetch(`${url}/${probe}`)
    return `${response.status} ${((await response.json()) as { status: string }).status}`
  }
  const probes = async () => [await ask('livez'), await ask('readyz'), await ask('startupz')]
  const until = (readyz: string) => waitFor(async () => (await ask('readyz')) === readyz, { what: `readyz ${readyz}` })
  return { app, probes, until, changes }
}

function poolOf(t: Test, url: string, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...options })
  pool.on('error', () => {}) // of connections that nobody uses
  t.teardown(() => void pool.end().catch(() => {}))
  return pool
}

t.test('PostgreSQL stops, and comes back', async (t) => {
  const postgres = await startPostgres({ own: true })
  const proxy = await startProxy(postgres.url)
  t.teardown(() => Promise.all([proxy.release(), postgres.release()]))
  const pool = poolOf(t, proxy.through(postgres.url))
  const { app, probes, until, changes } = await serve(t, {
    postgres: pgCheck(pool, { ...often, in: ['ready', 'startup'] }),
  })
  await until('200 pass')
  t.same(await probes(), ['200 pass', '200 pass', '200 pass'])

  for (const [stop, start] of [
    [() => postgres.kill(), () => postgres.restart()],
    [async () => postgres.freeze(), async () => postgres.thaw()],
    // Connections that were open then never say a word again: who waits for them waits for ever.
    [async () => proxy.halfOpen(), () => proxy.restore()],
  ] as const) {
    changes.length = 0
    await stop()
    await until('503 fail')
    t.same(await probes(), ['200 pass', '503 fail', '200 pass'])
    // Long enough for runs that begin in the middle of the fault.
    const lastRun = () => app.health.status().checks.postgres?.time
    for (let run = 0; run < 3; run++) {
      const last = lastRun()
      await waitFor(() => lastRun() !== last)
    }
    // Whatever happens now, requests leave nothing behind in the pool.
    await waitFor(() => pool.waitingCount === 0 && pool.totalCount <= 1)
    t.equal(pool.options.connectionTimeoutMillis, undefined, 'nor in its options')
    await start()
    const startMs = performance.now()
    await until('200 pass')
    const tookMs = performance.now() - startMs
    // The run that may be under way, then passAfter runs.
    t.ok(tookMs < 5 * (timeoutMs + 2 * everyMs), `ready again after ${tookMs} ms`)
    const told = changes.map(({ check, from, to, status }) => `${check} ${from} ${to}, ${status}`)
    t.same(told, ['postgres pass fail, fail', 'postgres fail pass, pass'])
  }
})

t.test('Redis stops, which only degrades', async (t) => {
  const redis = await startRedis({ own: true })
  // Neither gives up a command: the one waits for ever, the other too, on another major version.
  const clients = [
    new Redis(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 }),
    new Redis5(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 }),
  ]
  t.teardown(async () => {
    for (const client of clients) client.disconnect()
    await redis.release()
  })
  const sent = [0, 0]
  const [six, five] = clients.map((client, i) => {
    client.on('error', () => {})
    const ping = () => {
      sent[i]!++
      return client.ping()
    }
    return redisCheck({ ping }, { ...often, kind: 'degraded' })
  })
  const { app, probes, until, changes } = await serve(t, { six: six!, five: five! })
  await until('200 pass')
  for (const [stop, start] of [
    [() => redis.kill(), () => redis.restart()],
    [async () => redis.freeze(), async () => redis.thaw()],
  ] as const) {
    changes.length = 0
    await stop()
    await waitFor(() => Object.values(app.health.status().checks).every(({ status }) => status === 'fail'))
    t.same(await probes(), ['200 pass', '200 warn', '200 pass'])
    const before = [...sent]
    const times = () => Object.values(app.health.status().checks).map(({ time }) => time)
    for (let round = 0; round < 3; round++) {
      const last = times()
      await waitFor(() => times().every((time, i) => time !== last[i]))
    }
    t.ok(
      sent.every((pings, i) => pings <= before[i]! + 1),
      'commands don’t pile up',
    )
    await start()
    await until('200 pass')
    t.equal(changes.length, 4)
    t.ok(changes.every(({ status }) => status !== 'fail'))
  }
})

t.test('a pool whose connections are all in use is a warning, and a failure once none comes back', async (t) => {
  const postgres = await startPostgres({ own: true })
  t.teardown(() => postgres.release())
  const pool = poolOf(t, postgres.url, { max: 2 })
  const check = { ...pgCheck(pool, { ...often, failAfter: 1 }) }
  let isBusy = true
  const work = async () => {
    while (isBusy) await pool.query('SELECT pg_sleep(0.02)').catch(() => {})
  }
  // More than the pool has connections for, so that some requests always wait.
  const working = Array.from({ length: 6 }, work)
  await waitFor(() => pool.waitingCount > 2)
  const { app, until } = await serve(t, { postgres: check })
  await until('200 warn')
  t.match(app.health.status().checks.postgres?.output, /^all 2 connections are in use, \d+ requests wait$/)
  postgres.freeze()
  await until('503 fail')
  t.match(app.health.status().checks.postgres?.output, 'none came back since the last run')
  postgres.thaw()
  await until('200 warn')
  isBusy = false
  await Promise.all(working)
  await until('200 pass')
  t.equal(pool.listenerCount('release'), 1)
  await app.close()
  t.equal(pool.listenerCount('release'), 0)
})

t.test('the real clients fit the types', async (t) => {
  const fits = (_: [PgPoolLike, PgLike, ...RedisLike[]] | undefined) => t.pass()
  fits(undefined as [pg.Pool, pg.Client, Redis, Cluster, Redis5, Cluster5] | undefined)
})
