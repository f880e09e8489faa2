import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, waitFor } from '@steadfast/testing'
import t from 'tap'
import { migrate, startServer } from './server-process.js'

const probes = ['livez', 'readyz', 'startupz']

async function ask(url: string): Promise<string[]> {
  const responses = await Promise.all(probes.map((probe) => fetch(`${url}/${probe}`)))
  return Promise.all(responses.map(async (response) => `${response.status} ${await response.text()}`))
}

const [pass, fail] = ['200 {"status":"pass"}', '503 {"status":"fail"}']

t.test('the database stops: not ready, and alive; it is back: ready', async (t) => {
  const postgres = await startPostgres({ own: true })
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const { url, child } = await startServer(t, postgres.url)
  const until = (answers: string[]) => waitFor(async () => `${await ask(url)}` === `${answers}`, { everyMs: 100 })
  await until([pass, pass, pass])
  await postgres.kill()
  await until([pass, fail, pass])
  await postgres.restart()
  await until([pass, pass, pass])
  await child.printed(/health check \\"database\\": fail, .*health check \\"database\\" passes again/s)
  t.notMatch(child.output(), /"url":"\/(livez|readyz|startupz)"/, 'probes are not in the access log')
})

t.test('the embedded database is asked as well', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'health-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const databaseUrl = `pglite://${folder}`
  await migrate(t, databaseUrl)
  const { url } = await startServer(t, databaseUrl)
  await waitFor(async () => `${await ask(url)}` === `${[pass, pass, pass]}`)
  const details = await fetch(`${url}/health`)
  t.same([details.status, await details.text()], [200, '{"status":"pass"}'], 'the details are for nobody')
})

t.test('on the way out, in production: not ready at once, alive and serving for the delay', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const { url, child, post } = await startServer(t, postgres.url, { NODE_ENV: 'production' })
  const { code } = (await (await post({ url: 'https://example.com/' })).json()) as { code: string }
  await waitFor(async () => `${await ask(url)}` === `${[pass, pass, pass]}`)

  child.signal('SIGTERM')
  await child.printed(/shutdown begins/)
  const beganMs = performance.now()
  t.same(await ask(url), [pass, fail, pass])
  while (performance.now() - beganMs < 4_500) {
    const redirect = await fetch(`${url}/${code}`, { redirect: 'manual' })
    t.same([redirect.status, redirect.headers.get('connection')], [302, 'close'])
    t.same(await ask(url), [pass, fail, pass])
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.same(await child.exit, { code: 0, signal: null })
  await t.rejects(fetch(`${url}/livez`))
})
