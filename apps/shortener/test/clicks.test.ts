import { startPostgres } from '@steadfast/testing'
import { pino } from 'pino'
import t from 'tap'
import type { Click } from '../src/clicks/click.js'
import { turnPartitions } from '../src/clicks/partitions.js'
import { ClickQueue } from '../src/clicks/queue.js'
import { VisitorSalts } from '../src/clicks/salts.js'
import { statsOf } from '../src/clicks/stats.js'
import { agentOf } from '../src/clicks/user-agent.js'
import { writeClicks } from '../src/clicks/write.js'
import type { Database, Queryable } from '../src/database/database.js'
import { openPostgres } from '../src/database/postgres.js'
import { type Client, databases, startApp } from './client.js'

const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36'
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0'
const googlebot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'

const click = (index: number, fields: Partial<Click> = {}): Click => ({
  eventId: `event-${index}`,
  linkId: 1_001 + (index % 7),
  atMs: Date.UTC(2026, 0, 1, 0, index % 3_000),
  referrer: index % 2 ? 'news.example' : '',
  browser: index % 3 ? 'Chrome' : 'Bot',
  isBot: index % 3 === 0,
  visitor: `${(index % 50) + 10}`.padStart(16, '0'),
  ...fields,
})

/** The four places in which clicks are counted. */
async function sums(database: Queryable): Promise<Record<string, number>> {
  const [row] = await database.query<Record<string, number>>(`
    SELECT (SELECT count(*) FROM click_events) AS raw,
      (SELECT coalesce(sum(clicks), 0)::int8 FROM click_totals) AS totals,
      (SELECT coalesce(sum(clicks), 0)::int8 FROM click_hourly) AS hourly,
      (SELECT coalesce(sum(clicks), 0)::int8 FROM click_daily WHERE dimension = 'referrer') AS referrers,
      (SELECT coalesce(sum(clicks), 0)::int8 FROM click_daily WHERE dimension = 'browser') AS browsers`)
  return row!
}
const all = (count: number) => ({ raw: count, totals: count, hourly: count, referrers: count, browsers: count })

for (const [name, newDatabase] of Object.entries(databases)) {
  t.test(`clicks on ${name}`, async (t) => {
    const client = await startApp(t, await newDatabase(t))
    const { database } = client
    await t.test('a delivery that comes again counts nothing', async (t) => {
      const clicks = Array.from({ length: 500 }, (_, index) => click(index))
      t.equal(await writeClicks(database, [...clicks, ...clicks.slice(0, 100)]), 500)
      t.same(await sums(database), all(500))
      t.equal(await writeClicks(database, clicks), 0)
      t.equal(await writeClicks(database, [...clicks.slice(400), click(500)]), 1)
      t.same(await sums(database), all(501))
    })
    await t.test('a partition for each day, dropped when its time is over', (t) => partitions(t, database))
    await t.test('what the statistics tell', (t) => statistics(t, client))
  })
}

async function partitions(t: Parameters<typeof startApp>[0], database: Database): Promise<void> {
  const partitionsFrom = async (year: string, table = 'click_events') => {
    const rows = await database.query<{ name: string }>(
      'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1',
      [table],
    )
    return rows.map(({ name }) => name.replace(`${table}_`, '')).filter((name) => name.startsWith(year))
  }
  const now = Date.UTC(2031, 0, 30, 12)
  await writeClicks(database, [click(900, { atMs: now + 86_400_000 })]) // before there is one for its day
  await Promise.all(Array.from({ length: 8 }, () => turnPartitions(database, { events: 90_000, details: 90_000 }, now)))
  t.same(await partitionsFrom('2031'), ['20310130', '20310201', '20310202'], 'but for the day that has clicks already')
  t.equal(await writeClicks(database, [click(901, { atMs: now }), click(900, { atMs: now + 86_400_000 })]), 1)
  t.same(await database.query('SELECT event_id FROM click_events_20310130'), [{ event_id: 'event-901' }])
  const { totals } = await sums(database)
  await turnPartitions(database, { events: 2, details: 2 }, now + 4 * 86_400_000)
  const kept = ['01', '02', '03', '04', '05', '06'].map((day) => `203102${day}`)
  t.same(await partitionsFrom('2031'), kept)
  t.same(await partitionsFrom('2031', 'click_visitors'), kept)
  t.same(await database.query('SELECT FROM click_events'), [], 'none of the kept days has clicks')
  t.same(await database.query('SELECT FROM click_visitors'), [], 'nor people')
  t.equal((await sums(database)).totals, totals, 'the sums stay')

  t.same(await partitionsFrom('2031', 'click_daily'), ['20310201', '20310301'], 'January had clicks already')
  await turnPartitions(database, { events: 2, details: 31 }, Date.UTC(2031, 3, 2))
  t.same(await partitionsFrom('2031', 'click_daily'), ['20310301', '20310401', '20310501'], 'February is over')
  const before = await statsOf(database, 901, { from: '2026-01-01', to: '2031-12-31', interval: 'day' })
  t.match(before, { clicks: 0, uniques: 0, referrers: [] })
  const [row] = await database.query<{ link_id: number }>(
    'SELECT link_id FROM click_totals ORDER BY clicks DESC LIMIT 1',
  )
  const stats = await statsOf(database, row!.link_id, { from: '2026-01-01', to: '2031-12-31', interval: 'day' })
  t.ok(stats.clicks > 50 && stats.uniques > 5, 'clicks and uniques are known of days whose details are not kept')
  t.same(stats.referrers, [{ name: '(no longer kept)', clicks: stats.clicks }])
}

async function statistics(t: Parameters<typeof startApp>[0], client: Client): Promise<void> {
  const { code } = (await client.api('POST', '/links', { url: 'https://example.com/' })).body
  const visits: [times: number, headers: Record<string, string>][] = [
    [3, { 'user-agent': chrome, referer: 'https://news.example/secret/path?token=1' }],
    [2, { 'user-agent': firefox }],
    [4, { 'user-agent': googlebot }],
    [1, { 'user-agent': chrome, 'sec-purpose': 'prefetch;prerender' }],
    [1, { 'user-agent': chrome, referer: 'not a url' }],
    [1, { 'user-agent': '' }],
  ]
  const before = await sums(client.database)
  for (const [times, headers] of visits) for (let n = 0; n < times; n++) await client.follow(code, headers)
  await client.follow(code, { 'user-agent': chrome }, 'HEAD')
  const untilCounted = async (): Promise<void> => {
    while ((await sums(client.database)).raw !== before.raw! + 12)
      await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await untilCounted()
  const { status, body } = await client.api('GET', `/links/${code}/stats`)
  t.equal(status, 200)
  t.match(body, { clicks: 12, humans: 6, bots: 6, uniques: 2, interval: 'day' })
  t.same(body.referrers, [
    { name: '(direct)', clicks: 9 },
    { name: 'news.example', clicks: 3 },
  ])
  t.same(body.browsers, [
    { name: 'Bot', clicks: 5 },
    { name: 'Chrome', clicks: 5 },
    { name: 'Firefox', clicks: 2 },
  ])
  for (const interval of ['hour', 'day']) {
    const stats = (await client.api('GET', `/links/${code}/stats?interval=${interval}`)).body
    const series = stats.series as { clicks: number; humans: number; bots: number }[]
    for (const part of ['clicks', 'humans', 'bots'] as const) {
      t.equal(
        series.reduce((sum, one) => sum + one[part], 0),
        stats[part],
        `${part} by ${interval}`,
      )
    }
  }
  t.equal((await client.api('GET', `/links/${code}`)).body.clicks, 12)
  for (const { interval, days } of [
    { interval: 'hour', days: 31 },
    { interval: 'day', days: 3_660 },
  ]) {
    const made = `UPDATE links SET created_at = now() - $2 * interval '1 day' WHERE code = $1 RETURNING created_at AS at`
    const stats = async () => (await client.api('GET', `/links/${code}/stats?interval=${interval}`)).body
    const [{ at }] = (await client.database.query<{ at: Date }>(made, [code, days - 2])) as [{ at: Date }]
    t.match(await stats(), { clicks: 12, from: at.toISOString().slice(0, 10) })
    await client.database.query(made, [code, days + 10])
    const { from, to, clicks } = await stats()
    t.same(
      [clicks, (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1],
      [12, days],
      `the last ${days} days, by ${interval}`,
    )
  }
  t.equal((await client.api('GET', `/links/${code}/stats?to=2026-13-01`)).status, 400)
  const none = (await client.api('GET', `/links/${code}/stats?from=2020-01-01&to=2020-01-31&interval=hour`)).body
  t.match(none, { clicks: 0, uniques: 0, series: [], referrers: [], browsers: [] })
  for (const query of [
    'from=2026-02-30',
    'from=2026-1-1',
    'from=2026-02-02&to=2026-02-01',
    'from=2000-01-01&interval=hour',
    'interval=week',
  ]) {
    t.equal((await client.api('GET', `/links/${code}/stats?${query}`)).status, 400, query)
  }
  const tables = await client.database.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  )
  t.ok(tables.length >= 10)
  for (const { name } of tables) {
    const rows = await client.database.query<{ row: string }>(`SELECT one::text AS row FROM ${name} AS one`)
    const text = rows.map(({ row }) => row).join('\n')
    for (const secret of ['127.0.0.1', client.key, 'token=1', 'X11; Linux'])
      t.notOk(text.includes(secret), `${secret} in ${name}`)
  }
}

t.test(
  'writers at once, with the same events in other orders: each counts once, and none waits for ever',
  async (t) => {
    const postgres = await startPostgres()
    const database = openPostgres(postgres.url, pino({ level: 'silent' }))
    t.teardown(async () => {
      await database.close()
      await postgres.release()
    })
    await database.migrate()
    const clicks = Array.from({ length: 4_000 }, (_, index) => click(index))
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let batch = 0; batch < 8; batch++) {
          const part = clicks.slice(batch * 500).slice(0, 500)
          await writeClicks(database, writer % 2 ? part : part.reverse())
        }
      }),
    )
    t.same(await sums(database), all(4_000))
  },
)

t.test('the queue: what fails is written again, in order, and drained at the end', async (t) => {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) })
  const written: string[] = []
  let failures = 2
  const queue = new ClickQueue(async (clicks) => {
    if (failures-- > 0) throw new Error('away')
    written.push(...clicks.map(({ eventId }) => eventId))
    return { dead: 0 }
  }, log)
  t.teardown(() => queue.close())
  const ids = Array.from({ length: 2_500 }, (_, index) => `event-${index}`)
  for (const index of ids.keys()) queue.add(click(index))
  t.equal(queue.length, 2_500)
  await queue.drain(new AbortController().signal)
  t.same(written, ids)
  t.match(queue.counts, { written: 2_500, dead: 0, lost: 0 })

  failures = Number.POSITIVE_INFINITY
  for (let index = 0; index < 100_010; index++) queue.add(click(index))
  t.same([queue.length, queue.counts.lost], [100_000, 10])
  t.match(lines.join(''), /100000 clicks wait to be written: more are lost/)
  await queue.drain(AbortSignal.timeout(50))
  t.match(lines.join(''), /100000 clicks were not written in time, and may be lost/)
  t.equal(lines.length, 2, 'each is said once')
})

t.test(
  'salts: one for all processes and a day, tomorrow’s is there before midnight, old ones are deleted',
  async (t) => {
    const client = await startApp(t, await databases.PostgreSQL!(t))
    const { database }: { database: Database } = client
    const [first, second] = [new VisitorSalts(), new VisitorSalts()]
    const now = Date.UTC(2030, 0, 1, 23, 59, 59)
    await Promise.all([first.renew(database, now), second.renew(database, now)])
    const hash = (salts: VisitorSalts, ms: number, ip = '1.2.3.4', link = 1) => salts.hash(link, ip, chrome, ms)
    t.match(hash(first, now), /^[0-9a-f]{16}$/)
    t.equal(hash(first, now), hash(second, now))
    t.not(hash(first, now), hash(first, now, '1.2.3.5'))
    t.not(hash(first, now), hash(first, now, '1.2.3.4', 2))
    t.match(hash(first, now + 1_000), /^[0-9a-f]{16}$/)
    t.not(hash(first, now), hash(first, now + 1_000), 'another day, another hash')
    t.equal(hash(first, now + 2 * 86_400_000), null)
    await first.renew(database, now + 2 * 86_400_000)
    t.equal(hash(first, now), null)
    const days = await database.query<{ day: string }>('SELECT day::text FROM visitor_salts ORDER BY day')
    t.same(
      days.map(({ day }) => day),
      ['2030-01-02', '2030-01-03', '2030-01-04'],
    )
  },
)

t.test('browsers', async (t) => {
  const expected: Record<string, string> = {
    [chrome]: 'Chrome',
    [firefox]: 'Firefox',
    [`${chrome} Edg/120.0`]: 'Edge',
    [`${chrome} OPR/106.0`]: 'Opera',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1':
      'Safari',
    'Mozilla/5.0 (Something; new)': 'Other',
    [googlebot]: 'Bot',
    'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)': 'Bot',
    'curl/8.0': 'Bot',
    '': 'Bot',
  }
  for (const [header, browser] of Object.entries(expected)) {
    t.same(agentOf(header), { browser, isBot: browser === 'Bot' }, header)
    t.equal(agentOf(header), agentOf(header), 'kept')
  }
})
