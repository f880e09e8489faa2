import { startPostgres } from '@steadfast/testing'
import pg from 'pg'
import t from 'tap'
import { migrate, startServer } from './server-process.js'

t.test('10,000 creates from 8 clients: no code twice, no 5xx', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const server = await startServer(t, postgres.url)
  const codes = new Map<string, string>()
  const statuses = new Set<number>()
  let next = 0
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < 10_000) {
        const url = `https://example.com/${next++}`
        const response = await server.post({ url })
        statuses.add(response.status)
        codes.set(((await response.json()) as { code: string }).code, url)
      }
    }),
  )
  t.same([...statuses], [201])
  t.equal(codes.size, 10_000)
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query<{ code: string; url: string }>('SELECT code, url FROM links')
  await client.end()
  t.equal(rows.length, 10_000)
  t.ok(
    rows.every(({ code, url }) => codes.get(code) === url),
    'each code leads to what its client was told',
  )
  for (const [code, url] of [...codes].slice(0, 20)) {
    const response = await fetch(`${server.url}/${code}`, { redirect: 'manual' })
    t.equal(response.headers.get('location'), url)
  }
})
