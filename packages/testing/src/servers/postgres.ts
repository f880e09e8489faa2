import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../ports.js'
import { processesIn, signalAllIn, signalTo } from '../processes.js'
import { waitFor } from '../wait-for.js'
import { launch } from './launch.js'
import type { PostgresOptions, Started } from './server.js'
import { findTool } from './tools.js'

const run = promisify(execFile)

/** A fresh PostgreSQL on a free port. It trusts every local client and leaves out fsync, but loses nothing to a kill. */
export async function startPostgresProcess(folder: string, { args = [] }: PostgresOptions): Promise<Started> {
  const port = await freePort()
  const user = serverUser()
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  await run(findTool('initdb'), init, { cwd: data, ...user })
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'off',
    full_page_writes: 'off',
    dynamic_shared_memory_type: 'mmap', // in the data folder, so that it goes with it
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const restart = () =>
    launch({
      command: findTool('postgres'),
      args: ['-D', data, '-p', `${port}`, ...options, ...args],
      folder: data,
      user,
      ready: () => isReady(data),
    })
  await restart()
  return {
    info: { nodes: [{ url: `postgres://postgres@127.0.0.1:${port}/postgres`, port, folder: data }] },
    restart,
    stop: () => stop(data),
  }
}

/** PostgreSQL refuses to run as root: another user of this machine, if that is who asks. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? []
  if (!uid || !gid)
    throw new Error('PostgreSQL does not run as root, and this machine has no user "postgres" or "nobody"')
  return { uid: Number(uid), gid: Number(gid) }
}

/** The lines of postmaster.pid: the first is the process id, the eighth the state. */
function lockFile(data: string): string[] {
  const file = join(data, 'postmaster.pid')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
}

function isReady(data: string): boolean {
  const lines = lockFile(data)
  return lines[7]?.trim() === 'ready' && processesIn(data).includes(Number(lines[0])) // not the file of one that was killed
}

/** An immediate shutdown, which gives the shared memory back. */
async function stop(data: string): Promise<void> {
  const pid = Number(lockFile(data)[0])
  if (!processesIn(data).includes(pid)) return
  signalAllIn(data, 'SIGCONT')
  signalTo(pid, 'SIGQUIT')
  await waitFor(() => processesIn(data).length === 0, { timeoutMs: 5_000 }).catch(() => {})
}
