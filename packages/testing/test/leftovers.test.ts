import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isAlive, waitFor } from '../src/index.js'
import { runFolderVariable } from '../src/keeper/run.js'
import { killAllIn, processesIn } from '../src/processes.js'
import { mountSmallDisk } from '../src/servers/disk.js'
import { startPostgresProcess } from '../src/servers/postgres.js'

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
    t.match(readFileSync('/proc/mounts', 'utf8'), held.disk)
    t.equal(readdirSync(temporary).length, 1, 'one folder')
    owner.kill(signal)
    await waitFor(() => readdirSync(temporary).length === 0, { what: 'the folder being gone' })
    t.same(held.pids.filter(isAlive), [], 'no process')
    t.notMatch(readFileSync('/proc/mounts', 'utf8'), held.disk, 'no mount')
  })
}

t.test('a PostgreSQL that was killed gives its shared memory back', async (t) => {
  const folder = temporaryFolder(t)
  const postgres = await startPostgresProcess(folder, {})
  const lockFile = readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')
  const segment = new RegExp(`^ *-?\\d+ +${lockFile[6]?.trim().split(/\s+/)[1]} `, 'm')
  t.match(readFileSync('/proc/sysvipc/shm', 'utf8'), segment)
  await killAllIn(folder)
  t.match(readFileSync('/proc/sysvipc/shm', 'utf8'), segment)
  await postgres.stop()
  t.notMatch(readFileSync('/proc/sysvipc/shm', 'utf8'), segment)
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
