import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres, startRedis, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { ask, counted, follow, makeLinks, sumOf } from './cluster.js'
import { migrate, type RunningServer, startServer } from './server-process.js'

// By its append-only file Redis has after a kill what it said that it has.
const durable = ['--appendonly', 'yes']

async function untilCounted(url: string, clicks: number): Promise<void> {
  await waitFor(async () => sumOf((await counted(url)).totals) >= clicks, { everyMs: 200 })
}

/** All servers end well, and each click is counted once, in each place. */
async function checkExact(
  t: Test,
  servers: RunningServer[],
  databaseUrl: string,
  answered: Map<string, number>,
): Promise<void> {
  await untilCounted(databaseUrl, sumOf(answered))
  for (const { child } of servers) child.signal('SIGTERM')
  for (const { child } of servers) t.same(await child.exit, { code: 0, signal: null })
  const { raw, totals, hourly } = await counted(databaseUrl)
  t.same(raw, answered, 'raw')
  t.same(totals, answered, 'totals')
  t.same(hourly, answered, 'by the hour')
}

/** A link is changed, and all servers have seen it: those that can't be told any more ask the database. */
async function change(t: Test, servers: RunningServer[], code: string, url: string): Promise<void> {
  const startMs = performance.now()
  t.equal((await servers[0]!.api('PATCH', `/links/${code}`, { url })).status, 200)
  t.ok(performance.now() - startMs < 5_000, 'an answer in time')
  for (const server of servers) {
    const { headers } = await fetch(`${server.url}/${code}`, { method: 'HEAD', redirect: 'manual' })
    t.equal(headers.get('location'), url)
  }
}

/** For so long at least each outage lasts: memory answers by itself for less. */
const detachedMs = 3_000

t.test('Redis is killed under load, and frozen: no redirect fails, and every click counts once', async (t) => {
  const postgres = await startPostgres()
  const redis = await startRedis({ own: true, args: durable })
  t.teardown(() => Promise.all([postgres.release(), redis.release()]))
  await migrate(t, postgres.url)
  const env = { REDIS_URL: redis.url, INSTANCES: '2' }
  const servers = await Promise.all([startServer(t, postgres.url, env), startServer(t, postgres.url, env)])
  const codes = await makeLinks(servers[0]!, 5)
  const changed = (await makeLinks(servers[0]!, 1))[0]!
  for (const { url } of servers) await fetch(`${url}/${changed}`, { method: 'HEAD', redirect: 'manual' })

  let isOver = false
  const loading = follow(servers, codes, { lanes: 8, until: () => isOver })
  const state = async () => {
    const ready = await fetch(`${servers[0]!.url}/readyz`)
    return [ready.status, await ready.text()]
  }
  const becomes = (status: string) =>
    waitFor(async () => `${await state()}` === `200,{"status":"${status}"}`, { what: status })
  await becomes('pass')
  await redis.kill()
  await becomes('warn') // ready, and degraded
  await sleep(detachedMs)
  await change(t, servers, changed, 'https://example.com/without-redis')
  await redis.restart()
  await becomes('pass')
  redis.freeze()
  await becomes('warn')
  await change(t, servers, changed, 'https://example.com/with-a-frozen-redis')
  redis.thaw()
  await becomes('pass')
  isOver = true
  const { answered, others, slowestMs } = await loading
  t.same([...others], [], 'every request was answered by a redirect')
  t.ok(sumOf(answered) > 100, `${sumOf(answered)} redirects`)
  t.ok(slowestMs < 2_500, `the slowest took ${Math.round(slowestMs)} ms`)
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  await waitFor(async () => (await client.xlen('shortener:clicks')) === 0, { everyMs: 100 })
  await checkExact(t, servers, postgres.url, new Map([...answered, [changed, 0]]))
  for (const { child } of servers) {
    const outages = child.output().match(/"msg":"[^"]*it goes on without"/g)?.length ?? 0
    t.ok(outages >= 1 && outages <= 3, `said once each time, ${outages} in all`)
  }
})

t.test('PostgreSQL is killed: what is cached redirects, the rest is 503; back, nothing was lost', async (t) => {
  const postgres = await startPostgres({ own: true })
  const redis = await startRedis({ own: true, args: durable })
  t.teardown(() => Promise.all([postgres.release(), redis.release()]))
  await migrate(t, postgres.url)
  const env = { REDIS_URL: redis.url }
  const servers = await Promise.all([startServer(t, postgres.url, env), startServer(t, postgres.url, env)])
  const codes = await makeLinks(servers[0]!, 5)
  const cached = codes.slice(0, 4)
  const never = codes[4]!
  const before = await follow(servers, cached, { times: 400 })
  t.equal(sumOf(before.answered), 400)

  await postgres.kill()
  let isOver = false
  const loading = follow(servers, cached, { lanes: 8, until: () => isOver })
  const unknown = await Promise.all(servers.map(({ url }) => ask(`${url}/${never}`)))
  for (const { status, headers } of unknown) t.same([status, headers['retry-after']], [503, '1'])
  const create = await servers[0]!.post({ url: 'https://example.com/' })
  t.same([create.status, create.headers.get('retry-after')], [503, '1'])
  await sleep(7_000) // longer than memory answers by itself
  await postgres.restart()
  await waitFor(async () => (await ask(`${servers[1]!.url}/${never}`)).status === 302)
  await sleep(1_000)
  isOver = true
  const { answered, others, slowestMs } = await loading
  t.same([...others], [], 'no cached link failed')
  t.ok(slowestMs < 5_000, `the slowest took ${Math.round(slowestMs)} ms`)

  const all = new Map(codes.map((code) => [code, (answered.get(code) ?? 0) + (before.answered.get(code) ?? 0)]))
  all.set(never, 1)
  await checkExact(t, servers, postgres.url, all)
})

t.test('Redis is away at the start: it is served without, and with it once it is there', async (t) => {
  const postgres = await startPostgres()
  const redis = await startRedis({ own: true, args: durable })
  t.teardown(() => Promise.all([postgres.release(), redis.release()]))
  await migrate(t, postgres.url)
  await redis.kill()
  const server = await startServer(t, postgres.url, { REDIS_URL: redis.url })
  const codes = await makeLinks(server, 1)
  const before = await follow([server], codes, { times: 20, lanes: 2 })
  t.equal(sumOf(before.answered), 20)
  await redis.restart()
  await server.child.printed(/answers again/)
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  let after = 0
  await waitFor(async () => {
    after += sumOf((await follow([server], codes, { times: 1 })).answered)
    return (await client.xinfo('STREAM', 'shortener:clicks')) && (await client.keys('shortener:cache:*')).length > 0
  })
  await checkExact(t, [server], postgres.url, new Map([[codes[0]!, 20 + after]]))
})
