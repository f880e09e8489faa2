import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The core for the server under test, and the one for the load and what else runs; undefined where cores can't be chosen. */
export interface Cores {
  server: number
  load: number
}

/**
 * Puts this process on a core of its own, and with it all that it starts from then on, but for what `onCore` starts.
 * On a machine with one core, or without taskset(1), nothing is chosen.
 */
export function takeLoadCore(): Cores | undefined {
  const [server, ...others] = allowedCores()
  if (server === undefined) return
  const load = others.find((core) => !siblings(server).includes(core)) ?? others[0]
  if (load === undefined) return
  try {
    execFileSync('taskset', ['-a', '-c', '-p', `${load}`, `${process.pid}`], { stdio: 'ignore' })
    return { server, load }
  } catch {
    return
  }
}

/** The command line that runs a program on a core. */
export function onCore(core: number | undefined, command: string[]): [string, ...string[]] {
  return (core === undefined ? command : ['taskset', '-c', `${core}`, ...command]) as [string, ...string[]]
}

/** By proc(5). */
function allowedCores(): number[] {
  return coresOf(/^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '')
}

/** The threads of the same physical core, which share its power. */
function siblings(core: number): number[] {
  try {
    return coresOf(readFileSync(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`, 'latin1').trim())
  } catch {
    return []
  }
}

/** A list such as `0-3,8`. */
function coresOf(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
