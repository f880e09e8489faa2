import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, readlinkSync, renameSync, statSync, unlinkSync, utimes, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** How long a process of another machine may be silent before its file is taken over. */
const silentMs = 60_000

/** How often an owner shows that it lives. */
export const heartbeatMs = 20_000

interface Owner {
  id: string
  pid: number
  /** When it started, as Linux counts; a pid is used again. */
  start: string
  host: string
  /** The numbering that its pid belongs to: of a boot, and of a container. */
  scope: string
}

/** The right to write to a file, which one process at a time has. It is a file itself, and outlives a kill. */
export class Claim {
  readonly #path: string
  readonly #text: string

  private constructor(path: string, text: string) {
    this.#path = path
    this.#text = text
  }

  /** Undefined while another process has it. */
  static take(path: string): Claim | undefined {
    const text = JSON.stringify({ id: randomUUID(), ...self() } satisfies Owner)
    // Two may find it abandoned at once: who comes too late finds another owner the next time.
    for (let tries = 0; tries < 3; tries++) {
      if (create(path, text)) return new Claim(path, text)
      const there = read(path)
      if (there !== undefined && isAlive(there, path)) return undefined
      if (there !== undefined) clear(path, there)
    }
    return undefined
  }

  /** Shows that its owner lives. */
  beat(): void {
    const now = new Date()
    utimes(this.#path, now, now, () => {})
  }

  release(): void {
    if (read(this.#path) === this.#text) remove(this.#path)
  }
}

/** Made whole beside, and linked: there is no moment in which it is empty. */
function create(path: string, text: string): boolean {
  const beside = `${path}.${randomUUID()}`
  try {
    writeFileSync(beside, text, { mode: 0o640 })
    linkSync(beside, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    remove(beside)
  }
}

/** Takes an abandoned claim away; one that another process has made meanwhile is put back. */
function clear(path: string, abandoned: string): void {
  const beside = `${path}.${randomUUID()}`
  try {
    renameSync(path, beside)
    if (read(beside) !== abandoned) linkSync(beside, path)
  } catch {
    // another was faster
  }
  remove(beside)
}

function isAlive(text: string, path: string): boolean {
  const own = self()
  let owner: Owner
  try {
    owner = JSON.parse(text) as Owner
    if (owner.host !== own.host) return Date.now() - statSync(path).mtimeMs < silentMs
  } catch {
    return false
  }
  // A container that starts again, or a machine, has its host name still.
  if (owner.scope !== own.scope) return false
  return isRunning(owner.pid) && startOf(owner.pid) === owner.start
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function self(): Omit<Owner, 'id'> {
  return { pid: process.pid, start: startOf(process.pid), host: hostname(), scope: scope() }
}

/** Field 22 of a process's stat file (proc(5)); '' where there is none, 'Z' for one that is dead and waits to be reaped. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? 'Z' : (fields[19] ?? '')
}

function scope(): string {
  try {
    return `${read('/proc/sys/kernel/random/boot_id')?.trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // it is gone
  }
}
