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
  const until = (answers: string[]) =>
    waitFor(async () => `${await ask(url)}` === `${answers}`, { timeoutMs: 60_000, everyMs: 100 })
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
