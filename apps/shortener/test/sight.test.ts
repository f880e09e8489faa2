import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, startRedis, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import t from 'tap'
import { ask, counted, makeLinks, sumOf } from './cluster.js'
import { migrate, startServer } from './server-process.js'

const token = 'the-token-of-operations'
const clientAddress = '203.0.113.77'
const ipv6 = '2001:db8:77:1::5'
const wrongKey = 'stf_a-key-that-is-not-valid'
const userAgent = 'Mozilla/5.0 (Sight 77; rv:120.0) Gecko/20100101 Firefox/120.0'
const pagerdutyKey = 'routing-key-of-pagerduty'

const folder = mkdtempSync(join(tmpdir(), 'sight-'))
const postgres = await startPostgres()
const redis = await startRedis({ own: true })
t.teardown(async () => {
  await Promise.all([postgres.release(), redis.release()])
  rmSync(folder, { recursive: true })
})
await migrate(t, postgres.url)
const logFile = join(folder, 'app.log')
const server = await startServer(t, postgres.url, {
  REDIS_URL: redis.url,
  OPERATIONS_TOKEN: token,
  LOG_FILE: logFile,
  ALERTS_DIR: join(folder, 'alerts'),
  PAGERDUTY_ROUTING_KEY: pagerdutyKey,
  PAGERDUTY_URL: 'https://pagerduty.invalid/',
  TRUST_PROXY: '127.0.0.1',
})
const [code = ''] = await makeLinks(server, 1)
const headers = {
  'x-forwarded-for': clientAddress,
  'user-agent': userAgent,
  referer: 'https://news.example/a?token=t0ps3cret',
}
for (let n = 0; n < 5; n++) await ask(`${server.url}/${code}`, headers)
await ask(`${server.url}/${code}`, { ...headers, 'x-forwarded-for': ipv6 })
await server.api('GET', '/links?limit=1&search=x', undefined, { authorization: `Bearer ${wrongKey}`, ...headers })
await ask(`${server.url}/no-such-code`, headers)

t.test('one scrape has a metric of every plugin, of both pools, and of links and clicks', async (t) => {
  const names = [
    'logging_access_lines_total',
    'health_check_status{check="database"}',
    'health_check_status{check="redis"}',
    'health_check_status{check="disk"}',
    'http_request_duration_seconds_count{method="GET",route="/:code",status_code="302"} 6',
    'nodejs_eventloop_lag_seconds',
    'alerts_firing',
    'limiter_requests_total',
    'cache_',
    'pg_pool_connections{pool="database"',
    'redis_up{pool="redis"} 1',
    'shortener_redirects_total{result="redirected"} 6',
    'shortener_redirect_lookups_total{tier="memory"}',
    'shortener_clicks_accepted_total 6',
    'shortener_clicks_streamed_total 6',
    'shortener_clicks_written_total 6',
    'shortener_clicks_dead_total 0',
    'shortener_clicks_lag_seconds 0',
  ]
  let missing = names
  await waitFor(
    async () => {
      const scrape = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
      const lines = (await scrape.text()).split('\n').filter((line) => !line.startsWith('#'))
      missing = names.filter((name) => !lines.some((line) => line.startsWith(name)))
      return missing.length === 0
    },
    { everyMs: 200 },
  ).catch(() => {})
  t.same(missing, [])
})

t.test('one trace id runs from the access line to the line of the error', async (t) => {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query('ALTER TABLE click_hourly RENAME TO away')
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traced = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
  const answer = await server.api('GET', `/links/${code}/stats`, undefined, traced)
  await client.query('ALTER TABLE away RENAME TO click_hourly')
  t.equal(answer.status, 500)
  t.notMatch(await answer.text(), /click_hourly/)
  const lines = await waitFor(() => {
    const found = readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(traceId))
    return found.length >= 2 ? found.map((line) => JSON.parse(line) as Record<string, unknown>) : undefined
  })
  t.match(lines, [
    { level: 50, traceId, msg: /click_hourly/ },
    { level: 50, traceId, msg: 'request completed', res: { statusCode: 500 } },
  ])
  t.equal(lines[0]!.reqId, lines[1]!.reqId)
})

t.test('no secret and no address is in any log, row or key of Redis', async (t) => {
  await waitFor(async () => sumOf((await counted(postgres.url)).totals) === 6)
  const secrets = [
    clientAddress,
    ipv6,
    '2001:db8',
    wrongKey,
    userAgent,
    't0ps3cret',
    'bootstrap-key-of-a-test',
    token,
    pagerdutyKey,
  ]
  const check = (where: string, text: string) => {
    for (const secret of secrets) t.notOk(text.includes(secret), `${secret} in ${where}`)
  }
  check('standard output', server.child.output())
  const log = readFileSync(logFile, 'utf8')
  t.match(log, new RegExp(`"url":"/${code}"`), 'the lines of these requests are there')
  check('the log', log)

  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  t.teardown(() => client.end())
  const tables = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  )
  t.ok(tables.rows.length > 12)
  let rowCount = 0
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ row: string }>(`SELECT one::text AS row FROM ${name} AS one`)
    rowCount += rows.length
    check(name, rows.map(({ row }) => row).join('\n'))
  }
  t.ok(rowCount > 20)

  const store = new Redis(redis.url)
  t.teardown(() => store.disconnect())
  const keys = await store.keys('*')
  t.ok(
    keys.some((key) => key.startsWith('shortener:limiter:')) && keys.some((key) => key.startsWith('shortener:cache:')),
  )
  for (const key of keys) {
    const value = (await store.dumpBuffer(key)) ?? Buffer.alloc(0)
    const text = (await store.type(key)) === 'string' ? ((await store.get(key)) ?? '') : value.toString('latin1')
    check(`the key ${key}`, `${key} ${text}`)
  }
})
