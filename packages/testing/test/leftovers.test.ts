import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { forkFixture, isAlive, waitFor } from '../src/index.js'
import { runFolderVariable, startRun } from '../src/keeper/run.js'
import { Servers } from '../src/keeper/servers.js'
import { killAllIn, processesIn } from '../src/processes.js'
import { mountSmallDisk } from '../src/servers/disk.js'

interface Held {
  pids: number[]
  disk: string
}

function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'leftovers-'))
  chmodSync(folder, 0o711) // PostgreSQL runs as another user
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A test process that is started by itself, so that it has a keeper of its own. */
async function startOwner(temporary: string): Promise<{ owner: ChildProcess; held: Held }> {
  const owner = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/server-owner.js')], {
    env: { ...process.env, [runFolderVariable]: '', TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string]
  return { owner, held: JSON.parse(line) as Held }
}

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} to the test process leaves nothing behind`, async (t) => {
    const temporary = temporaryFolder(t)
    const { owner, held } = await startOwner(temporary)
    t.teardown(() => owner.kill('SIGKILL'))
    t.ok(held.pids.length >= 6, 'Redis, three of a Cluster, PostgreSQL, a fixture')
    t.same(held.pids.filter(isAlive), held.pids, 'all live before')
    t.ok(existsSync(held.disk))
    t.equal(readdirSync(temporary).length, 1, 'one folder')
    owner.kill(signal)
    await waitFor(() => readdirSync(temporary).length === 0, { what: 'the folder being gone' })
    t.same(held.pids.filter(isAlive), [], 'no process')
    t.notOk(existsSync(held.disk), 'no mount')
  })
}

t.test('a PostgreSQL that is killed, at any moment of its start, gives its shared memory back', async (t) => {
  for (const afterMs of [20, 100, 200, 300, 400, 2_000]) {
    const root = join(temporaryFolder(t), 'run')
    mkdirSync(root, { mode: 0o711 })
    chmodSync(root, 0o711)
    const servers = new Servers(root)
    const start = servers.start('postgres', {}, false)
    start.catch(() => {})
    const data = join(root, 'postgres-1/data')
    const { ino } = await waitFor(() => statSync(data))
    const segment = new RegExp(`^ *${ino | 0} `, 'm')
    await setTimeout(afterMs)
    if (afterMs === 2_000) {
      await start
      t.match(readFileSync('/proc/sysvipc/shm', 'utf8'), segment, 'while it runs')
      await killAllIn(data)
      t.match(readFileSync('/proc/sysvipc/shm', 'utf8'), segment, 'after a kill')
    }
    await servers.stopAll()
    t.notMatch(readFileSync('/proc/sysvipc/shm', 'utf8'), segment, `stopped after ${afterMs} ms`)
    t.notOk(existsSync(root))
    await t.rejects(servers.start('redis', {}, false), /the run is over/)
  }
})

t.test('a test that dies while its servers start takes no other down with it', async (t) => {
  const run = await startRun()
  t.teardown(() => run.end())
  const env = { [runFolderVariable]: run.folder }
  const dying = await forkFixture(new URL('./fixtures/dying.js', import.meta.url), { env })
  t.same(await dying.exit, { code: null, signal: 'SIGKILL' })
  const other = await forkFixture(new URL('./fixtures/server-owner.js', import.meta.url), { env })
  const [line] = await other.printed(/\{.*\}/)
  const { pids } = JSON.parse(line) as Held
  t.same(pids.filter(isAlive), pids)
  await run.end()
  t.same(pids.filter(isAlive), [], 'the end of the run is the end of all, of what a test has forked as well')
  t.notOk(existsSync(run.folder))
  await other.release()
})

t.test('without root a small disk lives in a namespace and dies with its process', async (t) => {
  const folder = temporaryFolder(t)
  t.teardown(() => killAllIn(folder))
  const { info } = await mountSmallDisk(folder, { sizeBytes: 65_536 }, false)
  writeFileSync(join(info.path, 'file'), 'x')
  t.throws(() => writeFileSync(join(info.path, 'large'), Buffer.alloc(100_000)), { code: 'ENOSPC' })
  t.same(readdirSync(join(folder, 'disk')), [], 'nobody else sees it')
  await killAllIn(folder)
  t.throws(() => readFileSync(join(info.path, 'file')), { code: 'ENOENT' })
})

t.test('a wrong folder never stands for the whole machine', async (t) => {
  for (const folder of ['', '/', '/tmp', 'relative/path'])
    t.throws(() => processesIn(folder), /not a folder of servers/)
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'in'))
  const child = spawn('sleep', ['60'], { cwd: join(folder, 'in') })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  await waitFor(() => processesIn(folder).length === 1)
  t.same(processesIn(folder), [child.pid])
  t.same(processesIn(join(folder, 'i')), [], 'a folder whose name only begins alike')
})
