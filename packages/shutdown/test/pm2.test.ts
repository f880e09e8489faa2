import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, startChild, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { ShutdownReport } from '../src/index.js'

const pm2 = dirname(fileURLToPath(import.meta.resolve('pm2/package.json')))
const script = fileURLToPath(new URL('./fixtures/pm2-app.js', import.meta.url))

t.test('pm2 reload under keep-alive load fails no request, and pm2 stop is heard', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'pm2-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const port = await freePort()
  const config = join(home, 'ecosystem.config.json')
  const app = { name: 'app', script, instances: 2, exec_mode: 'cluster', wait_ready: true, listen_timeout: 60_000 }
  const apps = [{ ...app, kill_timeout: 10_000, shutdown_with_message: true, env: { PORT: `${port}` } }]
  writeFileSync(config, JSON.stringify({ apps }))
  const env = { PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true' }
  const run = async (program: string, ...args: string[]) => {
    const child = await startChild(process.execPath, [join(pm2, 'bin', program), ...args], {
      env,
      cwd: home,
      group: true,
    })
    t.teardown(() => child.release())
    return child
  }

  // It keeps its daemon in this process, so that nothing outlives the test.
  const runtime = await run('pm2-runtime', 'start', config)
  await waitFor(() => runtime.reports().length === 2, { what: 'two processes that listen' })
  const load = startLoad(t, port)
  await waitFor(() => load.pids.size === 2, { what: 'two processes that answer' })

  const reloadMs = performance.now()
  const reload = await run('pm2', 'reload', 'app')
  t.same(await reload.exit, { code: 0, signal: null }, reload.output())
  t.ok(performance.now() - reloadMs < app.listen_timeout, '`ready` was heard')
  t.notMatch(runtime.output(), /SIGKILL/i, 'and nobody was killed')
  await waitFor(() => load.pids.size === 4, { what: 'two new processes that answer' })
  const answers = await load.stop()
  t.same(load.failures, [])
  t.ok(answers > 1_000, `${answers} answers`)
  const reports = () => runtime.reports<ShutdownReport>().filter((value) => 'clean' in value)
  t.equal(reports().length, 2, runtime.output())
  for (const report of reports()) t.match(report, { reason: 'SIGINT', clean: true, cut: [] })

  const stop = await run('pm2', 'stop', 'app')
  t.same(await stop.exit, { code: 0, signal: null }, stop.output())
  t.same(
    reports().map(({ reason }) => reason),
    ['SIGINT', 'SIGINT', 'message', 'message'],
  )
})

/** Twenty clients that ask again and again, each on the connection it keeps. */
function startLoad(t: Test, port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  const pids = new Set<string>()
  const failures: string[] = []
  let answers = 0
  let isOver = false
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent }, (response) => {
        let text = `${response.statusCode === 200 ? '' : response.statusCode}`
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.once('end', () => resolve(text)).once('error', reject)
      }).once('error', reject)
    })
  const client = async () => {
    while (!isOver) {
      try {
        pids.add(await ask())
        answers++
      } catch (error) {
        const { code = '', message } = error as NodeJS.ErrnoException
        failures.push(`${code} ${message}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  }
  const clients = Array.from({ length: 20 }, client)
  const stop = async () => {
    isOver = true
    await Promise.all(clients)
    agent.destroy()
    return answers
  }
  t.teardown(stop)
  return { pids, failures, stop }
}
