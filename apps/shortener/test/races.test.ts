import { startPostgres, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import pg from 'pg'
import t from 'tap'
import { migrate, type RunningServer, startServer } from './server-process.js'

const postgres = await startPostgres()
t.teardown(() => postgres.release())
await migrate(t, postgres.url)
const shared = { REDIS_URL: (await startRedis()).url, REDIS_PREFIX: uniquePrefix('races') }
const servers = await Promise.all([startServer(t, postgres.url, shared), startServer(t, postgres.url, shared)])
const client = new pg.Client({ connectionString: postgres.url })
await client.connect()
t.teardown(() => client.end())

const target = 'https://example.com/'
const serverOf = (index: number): RunningServer => servers[index % 2]!
const rowsOf = async (sql: string, values: unknown[]) => (await client.query(sql, values)).rowCount

/** How often each status came. */
function tally(responses: Response[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

t.test('50 creates of one alias at once, on two servers: one 201, 49 times 409', async (t) => {
  const responses = await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const alias = index % 3 === 0 ? 'Spring-Sale' : 'spring-sale'
      return serverOf(index).post({ url: `${target}${index}`, alias })
    }),
  )
  t.same(tally(responses), { 201: 1, 409: 49 })
  const made = await responses.find(({ status }) => status === 201)!.json()
  const { code, url } = made as { code: string; url: string }
  for (const written of ['spring-sale', 'SPRING-SALE', 'Spring-Sale']) {
    const answer = await fetch(`${serverOf(1).url}/${written}`, { redirect: 'manual' })
    t.same([answer.status, answer.headers.get('location')], [302, url], written)
  }
  t.equal((await serverOf(0).api('DELETE', `/links/${code}`)).status, 204)
  t.equal((await fetch(`${serverOf(1).url}/${code}`, { redirect: 'manual' })).status, 404)
  t.equal((await serverOf(1).post({ url: target, alias: 'SPRING-sale' })).status, 409, 'a code never comes back')
})

t.test('Docs and docs are the same word, and reserved; so are others', async (t) => {
  for (const alias of ['Docs', 'docs', 'API', 'metrics', 'readyz', 'Admin', 'well-known']) {
    const answer = await serverOf(0).post({ url: target, alias })
    t.equal(answer.status, 400)
    t.match(await answer.json(), { code: 'ERR_SHORTENER_ALIAS_RESERVED', detail: `the alias "${alias}" is reserved` })
  }
})

t.test('ten visits, 300 GETs and as many HEADs at once on two servers: exactly ten redirects', async (t) => {
  const { code } = (await (await serverOf(0).post({ url: target, maxVisits: 10 })).json()) as { code: string }
  const ask = (index: number, method: string) => fetch(`${serverOf(index).url}/${code}`, { method, redirect: 'manual' })
  const heads = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(index, 'HEAD')))
  t.same(tally(heads), { 302: 50 }, 'HEAD takes none')
  const [visits] = await Promise.all([
    Promise.all(Array.from({ length: 300 }, (_, index) => ask(index, 'GET'))),
    Promise.all(Array.from({ length: 50 }, (_, index) => ask(index, 'HEAD'))),
  ])
  t.same(tally(visits), { 302: 10, 410: 290 })
  t.match(await (await ask(0, 'GET')).json(), { code: 'ERR_SHORTENER_LINK_USED_UP' })
  t.equal((await ask(1, 'HEAD')).status, 410)
  t.match(await (await serverOf(1).api('GET', `/links/${code}`)).json(), { maxVisits: 10, visitsLeft: 0 })
  await serverOf(1).api('PATCH', `/links/${code}`, { maxVisits: 11 })
  t.same(tally([await ask(0, 'GET'), await ask(1, 'GET')]), { 302: 1, 410: 1 }, 'one more is given')
})

t.test('20 POSTs with one Idempotency-Key at once, on two servers: one row, identical answers', async (t) => {
  const headers = { 'idempotency-key': 'order-17' }
  const body = { url: `${target}once`, title: 'Once' }
  const responses = await Promise.all(
    Array.from({ length: 20 }, (_, index) => serverOf(index).api('POST', '/links', body, headers)),
  )
  t.same(tally(responses), { 201: 20 })
  const texts = new Set(await Promise.all(responses.map((response) => response.text())))
  t.equal(texts.size, 1)
  t.equal(new Set(responses.map((response) => response.headers.get('location'))).size, 1)
  t.equal(responses.filter((response) => response.headers.get('idempotent-replayed') === 'true').length, 19)
  t.equal(await rowsOf('SELECT FROM links WHERE url = $1', [body.url]), 1)

  const other = await serverOf(1).api('POST', '/links', { ...body, title: 'Twice' }, headers)
  t.equal(other.status, 422)
  t.match(await other.json(), { code: 'ERR_SHORTENER_IDEMPOTENCY_MISMATCH' })
  const elsewhere = await serverOf(1).api('POST', '/links/bulk', { links: [body] }, headers)
  t.equal(elsewhere.status, 422, 'another route is another request')

  await client.query(`UPDATE idempotency_keys SET created_at = now() - interval '25 hours'`)
  const nextDay = await serverOf(0).api('POST', '/links', body, headers)
  t.same([nextDay.status, nextDay.headers.get('idempotent-replayed')], [201, null])
  t.equal(await rowsOf('SELECT FROM links WHERE url = $1', [body.url]), 2, 'after a day it is a new request')
})

t.test('a POST that is repeated once its link has ended gets the first answer', async (t) => {
  const endsMs = Date.now() + 3_000
  const create = () => {
    const body = { url: target, expiresAt: new Date(endsMs).toISOString() }
    return serverOf(0).api('POST', '/links', body, { 'idempotency-key': 'short-lived' })
  }
  const first = await create()
  t.equal(first.status, 201)
  await waitFor(() => Date.now() > endsMs)
  const repeated = await create()
  t.same([repeated.status, repeated.headers.get('idempotent-replayed')], [201, 'true'])
  t.equal(await repeated.text(), await first.text())
})

t.test(
  'the same 300 aliases at once, in opposite orders: each is made once, and nobody waits in a circle',
  async (t) => {
    for (let round = 0; round < 5; round++) {
      const links = Array.from({ length: 300 }, (_, index) => ({ url: target, alias: `round-${round}-${index}` }))
      const responses = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          serverOf(index).api('POST', '/links/bulk', { links: index % 3 ? links : links.toReversed() }),
        ),
      )
      t.same(tally(responses), { 200: 6 })
      const results = (await Promise.all(responses.map((response) => response.json()))) as {
        results: { status: number }[]
      }[]
      const statuses = results.flatMap(({ results }) => results.map(({ status }) => status))
      t.equal(statuses.filter((status) => status === 201).length, 300)
      t.equal(statuses.filter((status) => status === 409).length, 1_500)
    }
  },
)

t.test('what failed may be tried again with the same Idempotency-Key', async (t) => {
  const headers = { 'idempotency-key': 'order-18' }
  const create = () => serverOf(0).api('POST', '/links', { url: target, alias: 'later' }, headers)
  await client.query(`INSERT INTO links (code, is_alias, owner, url) VALUES ('later', true, 'default', 'https://a.b/')`)
  t.equal((await create()).status, 409)
  await client.query(`DELETE FROM links WHERE code = 'later'`)
  t.same([(await create()).status, (await create()).status], [201, 201])
})

t.test('paging by cursor over 5,000 links while others are made: none skipped, none twice', async (t) => {
  const owner = 'paging'
  const answer = await serverOf(0).api('POST', '/keys', { name: 'paging', owner, scopes: ['read', 'write'] })
  const { key } = (await answer.json()) as { key: string }
  const headers = { authorization: `Bearer ${key}` }
  const bulk = (from: number, count: number) => {
    const links = Array.from({ length: count }, (_, index) => ({ url: `${target}${from + index}`, tags: ['paged'] }))
    return serverOf(from).api('POST', '/links/bulk', { links }, headers)
  }
  for (let from = 0; from < 5_000; from += 500) t.equal((await bulk(from, 500)).status, 200)

  let isPaging = true
  let made = 0
  const makers = [0, 1].map(async (index) => {
    for (; isPaging; made++)
      await serverOf(index).api('POST', '/links', { url: `${target}new`, tags: ['paged'] }, headers)
  })
  const seen: string[] = []
  let cursor: string | null = ''
  let pages = 0
  while (cursor !== null) {
    const query: string = `limit=97&tag=paged${cursor && `&cursor=${cursor}`}`
    const page = await serverOf(pages++).api('GET', `/links?${query}`, undefined, headers)
    const { links, nextCursor } = (await page.json()) as { links: { url: string }[]; nextCursor: string | null }
    seen.push(...links.map(({ url }) => url))
    cursor = nextCursor
  }
  isPaging = false
  await Promise.all(makers)
  const old = seen.filter((url) => url !== `${target}new`)
  t.equal(old.length, 5_000)
  t.equal(new Set(old).size, 5_000)
  t.ok(made > 10 && pages > 50, `${made} made in the time of ${pages} pages`)
})
