import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Where a process id means something: this boot of this machine, and a container's own list of processes. */
const here = digest([hostname(), read('/proc/sys/kernel/random/boot_id'), link('/proc/self/ns/pid')].join('\n'))

/** How long an owner elsewhere may not be heard of before it counts as gone. A live one touches its file three times as often. */
const silentMs = 30_000
export const touchEveryMs = 10_000

/** A name for the files of one app in one process, by which others tell whether it still lives, and whether they are its heirs. */
export function newOwner(service: string): string {
  return [here, process.pid, startOf(process.pid), digest(service), randomBytes(4).toString('hex')].join('-')
}

/** Whether a file is of the same service: what one service has left is nothing that another may tell. */
export function isOfService(file: string, service: string): boolean {
  return file.includes(`-${digest(service)}-`)
}

/** Whether the owner of a file lives. One that nobody owns, since its app was closed, begins with `left-`. */
export function isOwned(file: string, modifiedMs: number, nowMs: number): boolean {
  const [place, pid, start] = file.split('-') as [string, string, string]
  if (place === 'left') return false
  if (place !== here) return nowMs - modifiedMs < silentMs
  return isAlive(Number(pid)) && startOf(Number(pid)) === start
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When it began, in ticks since boot (proc(5), field 22): ids of processes are given again. Linux alone tells. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'x'
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
