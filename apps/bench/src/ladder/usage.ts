import { readFileSync } from 'node:fs'

const microsPerTick = 10_000 // Linux tells CPU time in hundredths of a second, whatever the kernel's own tick

/** User and system time of a process with all its threads: fields 14 and 15 of its stat file (proc(5)). */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(afterName[11]) + Number(afterName[12])) * microsPerTick
}

/** The memory of a process that is in RAM. */
export function rssMiB(pid: number): number {
  const kiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(kiB) / 1_024
}
