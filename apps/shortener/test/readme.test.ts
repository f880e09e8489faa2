import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { forkFixture, freePort, startChild, startPostgres, startRedis, waitFor } from '@steadfast/testing'
import pg from 'pg'
import t from 'tap'

const root = resolve(import.meta.dirname, '../../../..')
const app = resolve(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const plugins = ['logging', 'health', 'shutdown', 'metrics', 'alerts', 'limiter', 'cache']

t.test('the use of each plugin in the README compiles, runs together, and does what it says', async (t) => {
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  for (const plugin of plugins) {
    const uses = blocks.filter((block) => block.includes(`'@steadfast/${plugin}'`))
    t.equal(uses.length, 1, plugin)
    t.ok(uses[0]!.trim().split('\n').length <= 12, `${plugin} in some ten lines`)
  }
  // Within the application, where all that it imports is found.
  mkdirSync(join(app, '.data'), { recursive: true })
  const folder = mkdtempSync(join(app, '.data/readme-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'server.ts'), blocks.join('\n'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const compilerOptions = {
    isolatedDeclarations: false,
    composite: false,
    incremental: false,
    rootDir: '.',
    outDir: 'out',
  }
  const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['server.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = await startChild(join(root, 'node_modules/.bin/tsc'), ['-p', folder])
  t.teardown(() => compiler.release())
  t.equal((await compiler.exit).code, 0, compiler.output())

  const [postgres, redis] = [await startPostgres(), await startRedis({ own: true })]
  t.teardown(() => Promise.all([postgres.release(), redis.release()]))
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query(`CREATE TABLE users AS SELECT '7' AS id, 'Ada' AS name`)

  const port = await freePort()
  const env = { PORT: `${port}`, DATABASE_URL: postgres.url, REDIS_URL: redis.url }
  const child = await forkFixture(join(folder, 'out/server.js'), { env, cwd: folder })
  t.teardown(() => child.release())
  const url = `http://127.0.0.1:${port}`.replace('127.0.0.1', 'localhost')
  const status = async (path: string) => (await fetch(url + path)).status
  await waitFor(async () => (await status('/readyz')) === 200, { everyMs: 100 })
  const name = async () => ((await (await fetch(`${url}/users/7`)).json()) as { name: string }).name
  t.equal(await name(), 'Ada')
  await client.query(`UPDATE users SET name = 'Grace'`)
  t.equal(await name(), 'Ada', 'it is cached')
  const headers = { 'content-type': 'application/json' }
  await fetch(`${url}/users/7`, { method: 'PUT', headers, body: JSON.stringify({ name: 'Joan' }) })
  t.equal(await name(), 'Joan', 'and not any more')
  const statuses = await Promise.all(Array.from({ length: 60 }, () => status('/users/7')))
  t.ok(statuses.includes(429) && statuses.includes(200), 'it is limited')
  const scrape = await (await fetch(`${url}/metrics`)).text()
  for (const metric of ['renames_total 1', 'pg_pool_connections', 'redis_up', 'cache_', 'limiter_', 'alerts_']) {
    t.ok(scrape.includes(metric), metric)
  }
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null }, child.output())
  const lines = readFileSync(join(folder, 'logs/app.log'), 'utf8')
  t.match(lines, /"route":"\/users\/:id"/)
})

t.test('its first screen says what it is, the two commands, and what others leave', async (t) => {
  const first = readme.slice(0, readme.indexOf('## '))
  for (const text of ['npx pnpm@12 demo', 'npx pnpm@12 test', '| what others leave |']) t.ok(first.includes(text), text)
  t.ok(first.split('\n').length < 40)
})
