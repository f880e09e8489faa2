import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import { type Running, target } from './rungs.js'

export interface Measurement {
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  /** Time on a core, user and system, that the server's process took for one request. */
  cpuMicros: number
}

const connections = 64
const microsPerTick = 10_000 // Linux reports CPU time in hundredths of a second, whatever the kernel's own tick

/** Puts load on a server for a while. Nobody is measured who answers wrongly. */
export async function measure({ url, pid }: Running, seconds: number): Promise<Measurement> {
  await assertRight(url)
  const startMicros = cpuMicros(pid)
  const result = await autocannon({ url, connections, duration: seconds })
  const usedMicros = cpuMicros(pid) - startMicros
  const answered = result['3xx']
  if (answered === 0 || result.non2xx !== answered || result.errors > 0) {
    throw new Error(`${url}: ${answered} redirects, ${result.non2xx - answered} other answers, ${result.errors} errors`)
  }
  return {
    requestsPerSecond: answered / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    cpuMicros: usedMicros / answered,
  }
}

async function assertRight(url: string): Promise<void> {
  const { status, headers } = await fetch(url, { redirect: 'manual' })
  const got = [status, headers.get('location'), headers.get('cache-control')].join(' ')
  if (got !== `302 ${target} private, no-store`) throw new Error(`${url} answers wrongly: ${got}`)
}

/** User and system time of a process: fields 14 and 15 of its stat file (proc(5)). */
function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(afterName[11]) + Number(afterName[12])) * microsPerTick
}
