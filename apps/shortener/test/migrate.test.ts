import { startPostgres } from '@steadfast/testing'
import pg from 'pg'
import t from 'tap'
import { serverEnv, startMain } from './server-process.js'

t.test('eight processes migrate an empty database at once', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  const children = await Promise.all(Array.from({ length: 8 }, () => startMain(t, 'migrate', serverEnv(postgres.url))))
  const exits = await Promise.all(children.map((child) => child.exit))
  t.same(exits, Array(8).fill({ code: 0, signal: null }), children.map((child) => child.output()).join(''))
  const outputs = children.map((child) => child.output()).sort()
  t.same(
    outputs,
    [
      'migrated: 0001_links-and-keys, 0002_api, 0003_clicks, 0004_composition\n',
      ...Array(7).fill('nothing to migrate\n'),
    ].sort(),
    'one did it',
  )

  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  t.same((await client.query('SELECT name FROM migrations')).rows, [
    { name: '0001_links-and-keys' },
    { name: '0002_api' },
    { name: '0003_clicks' },
    { name: '0004_composition' },
  ])
  await client.query('SELECT code, url, api_key_id, created_at FROM links')
  await client.end()
})
