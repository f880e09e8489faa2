import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forkFixture, startChild, waitFor } from '@steadfast/testing'
import t from 'tap'
import type { ShutdownReport } from '../src/index.js'
import { startApp } from './app-process.js'
import { get, rawClient } from './raw-client.js'

t.test('twenty apps in one process: one signal drains all, and it exits once', async (t) => {
  const { child, addresses, reports } = await startApp(t, { apps: 20 })
  const clients = await Promise.all(addresses.map((address) => rawClient(address)))
  for (const client of clients) client.send(get('/slow'))
  await waitFor(() => child.output().match(/in flight/g)?.length === 20)
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null })
  for (const client of clients) t.match(client.received(), /^HTTP\/1.1 200 .*slow$/is)
  t.equal(reports().length, 20)
  t.ok(reports().every(({ clean, reason }) => clean && reason === 'SIGTERM'))
  t.equal(child.reports<{ exit?: number }>().filter((value) => 'exit' in value).length, 1)
  t.notMatch(child.output(), 'MaxListenersExceededWarning')
})

t.test('close-with-grace has the signals, with signals: false', async (t) => {
  const { child, addresses, reports } = await startApp(t, { options: { signals: false }, hasGrace: true })
  const client = await rawClient(addresses[0]!)
  client.send(get('/slow'))
  await child.printed(/in flight/)
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null })
  t.equal(await client.closed, 'end')
  t.match(client.received(), /^HTTP\/1.1 200 .*connection: close.*slow$/is)
  t.match(reports(), [{ reason: 'SIGTERM', clean: true }])
})

t.test('warnings at boot, once: PID 1 without an init, and a grace that is too short', async (t) => {
  const fixture = new URL('./fixtures/app.js', import.meta.url).pathname
  const request = JSON.stringify({ apps: 3, options: { delayMs: 6_000 } })
  const child = await startChild(
    'unshare',
    ['-r', '--pid', '--fork', '--kill-child', process.execPath, fixture, request],
    {
      env: { TERMINATION_GRACE_MS: '30000' },
    },
  )
  t.teardown(() => child.release())
  await child.printed(/listening/)
  await child.printed(/"code":"SHUTDOWN_PID_1".*without an init/)
  await child.printed(/"code":"SHUTDOWN_GRACE".*6000 \+ 25000.*TERMINATION_GRACE_MS, 30000/)
  t.same(
    child
      .output()
      .match(/SHUTDOWN_\w+/g)
      ?.sort(),
    ['SHUTDOWN_GRACE', 'SHUTDOWN_PID_1'],
    'once, not once an app',
  )

  const quiet = await startApp(t, { options: { delayMs: 5_000 } }, { env: { TERMINATION_GRACE_MS: '30000' } })
  t.notMatch(quiet.child.output(), 'SHUTDOWN_')
})

t.test('systemd is told that it serves, and that it stops', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'systemd-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const calls = join(folder, 'calls')
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >>${calls}\n`)
  chmodSync(join(folder, 'systemd-notify'), 0o755)
  const options = { managers: ['systemd' as const] }
  const { child } = await startApp(t, { options }, { env: { PATH: `${folder}:${process.env.PATH}` } })
  // The shell makes the file before it writes to it: only lines that have ended count.
  const told = () => readFileSync(calls, 'utf8').split('\n').slice(0, -1)
  const call = (state: string) => `--pid=${child.pid} --no-block ${state}`
  await waitFor(() => told().length === 1)
  t.same(told(), [call('READY=1')])
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null })
  await waitFor(() => told().length === 2)
  t.same(told(), [call('READY=1'), call('STOPPING=1')])

  rmSync(join(folder, 'systemd-notify'))
  symlinkSync(execFileSync('which', ['env'], { encoding: 'utf8' }).trim(), join(folder, 'env'))
  const without = await startApp(t, { options }, { env: { PATH: folder } })
  await without.child.printed(/systemd was not told/)
  without.child.signal('SIGTERM')
  t.same(await without.child.exit, { code: 0, signal: null }, 'and without systemd it ends as well')
})

t.test('a parent gets ready, and its shutdown ends the process', async (t) => {
  for (const manager of ['pm2', 'cluster'] as const) {
    const fixture = new URL('./fixtures/app.js', import.meta.url)
    const args = [JSON.stringify({ options: { managers: [manager] } })]
    const child = await forkFixture(fixture, { args, ipc: true })
    t.teardown(() => child.release())
    const messages: unknown[] = []
    child.process.on('message', (message) => messages.push(message))
    await child.printed(/listening/)
    await waitFor(() => messages.length > 0)
    t.same(messages, ['ready'])
    child.process.send('something else')
    child.process.send('shutdown')
    t.same(await child.exit, { code: 0, signal: null })
    t.match(child.reports<ShutdownReport>(), [{ reason: 'message', clean: true }, {}])
  }
})
