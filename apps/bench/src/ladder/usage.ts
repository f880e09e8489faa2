import { readFileSync } from 'node:fs'

const microsPerTick = 10_000 // Linux tells CPU time in hundredths of a second, whatever the kernel's own tick

/** User and system time of a process with all its threads: fields 14 and 15 of its stat file (proc(5)). */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(afterName[11]) + Number(afterName[12])) * microsPerTick
}

/** What a core has worked, for all processes: user, nice and system, and what the hypervisor gave to others (proc(5)). */
export function coreMicros(core: number): number {
  const line = new RegExp(`^cpu${core} (.+)$`, 'm').exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? ''
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = line.split(' ').map(Number)
  return (user + nice + system + steal) * microsPerTick
}

/** The memory of a process that is in RAM. */
export function rssMiB(pid: number): number {
  const kiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(kiB) / 1_024
}
