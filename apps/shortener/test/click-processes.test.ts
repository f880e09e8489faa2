import { startPostgres, waitFor } from '@steadfast/testing'
import pg from 'pg'
import t from 'tap'
import { migrate, type RunningServer, startServer } from './server-process.js'

/** Follows a link many times over, by some clients of each server; how many redirects were answered. */
async function follow(servers: RunningServer[], code: string, times: number): Promise<number> {
  let left = times
  let answered = 0
  const clients = servers.flatMap((server) => Array(8).fill(server) as RunningServer[])
  await Promise.all(
    clients.map(async (server) => {
      while (left-- > 0) {
        const response = await fetch(`${server.url}/${code}`, { redirect: 'manual' })
        if (response.status === 302) answered++
      }
    }),
  )
  return answered
}

const counts = `SELECT (SELECT count(*) FROM click_events)::int AS raw,
  (SELECT coalesce(sum(clicks), 0) FROM click_totals)::int AS totals,
  (SELECT coalesce(sum(clicks), 0) FROM click_hourly)::int AS hourly`

async function counted(url: string): Promise<{ raw: number; totals: number; hourly: number }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ raw: number; totals: number; hourly: number }>(counts)
  await client.end()
  return rows[0]!
}

t.test('two servers that are told to end under load: every redirect is counted, once', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const servers = await Promise.all([startServer(t, postgres.url), startServer(t, postgres.url)])
  const { code } = (await (await servers[0]!.post({ url: 'https://example.com/' })).json()) as { code: string }
  const answered = await follow(servers, code, 4_000)
  t.equal(answered, 4_000)
  for (const { child } of servers) child.signal('SIGTERM') // with clicks that wait to be written
  for (const { child } of servers) t.same(await child.exit, { code: 0, signal: null })
  t.same(await counted(postgres.url), { raw: answered, totals: answered, hourly: answered })
})

t.test('a database that is killed: what waited is counted once it is back, and nothing twice', async (t) => {
  const postgres = await startPostgres({ own: true })
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const server = await startServer(t, postgres.url)
  const { code } = (await (await server.post({ url: 'https://example.com/' })).json()) as { code: string }
  let answered = 0
  const load = follow([server], code, 3_000).then((count) => (answered = count))
  await waitFor(async () => (await counted(postgres.url)).raw > 100)
  await postgres.kill() // in the middle of writing, as like as not
  await postgres.restart()
  await load
  await waitFor(async () => (await fetch(`${server.url}/${code}`, { redirect: 'manual' })).status === 302 && ++answered)
  await waitFor(async () => (await counted(postgres.url)).raw >= answered, { what: 'every click being counted' })
  t.ok(answered > 100)
  t.same(await counted(postgres.url), { raw: answered, totals: answered, hourly: answered })
  server.child.signal('SIGTERM')
  t.same(await server.child.exit, { code: 0, signal: null })
  t.same(await counted(postgres.url), { raw: answered, totals: answered, hourly: answered })
})

t.test('clicks that can’t be written at the end are told, and the process says that it failed', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const server = await startServer(t, postgres.url)
  const { code } = (await (await server.post({ url: 'https://example.com/' })).json()) as { code: string }
  const locks = new pg.Client({ connectionString: postgres.url })
  await locks.connect()
  t.teardown(() => locks.end())
  await locks.query('BEGIN; LOCK TABLE click_events IN SHARE MODE') // holds up writers
  t.equal(await follow([server], code, 50), 50)
  server.child.signal('SIGTERM')
  t.same(await server.child.exit, { code: 1, signal: null })
  t.match(server.child.output(), /"msg":"50 clicks were not written in time, and may be lost"/)
})
