import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures, ServerName } from '../compare.js'
import { type Checked, claims } from './claims.js'
import { connections, type Load } from './load/load.js'
import { type Program, startServer } from './server-process.js'
import { cpuMicros, rssMiB } from './usage.js'
import type { Part } from './workload.js'

/** One server of the ladder. */
export interface Rung {
  name: string
  about: string
  /** What it does besides the redirect; checked before and after the load. */
  parts: Part[]
  /** How many clients the load comes from. Default 1. */
  clients?: number
  servers: ServerName[]
  program(logFolder: string): Promise<Program>
  /** After the last round. */
  release?(): Promise<void>
}

const warmUpSeconds = 1
const settleMs = 5_000

/** Starts the rung's server afresh, so that rounds also tell how processes differ; checks it, loads it, and checks it again. */
export async function measureRung(
  { parts, clients = 1, program }: Rung,
  { load, seconds, core }: { load: Load; seconds: number; core: number | undefined },
): Promise<Figures> {
  const logFolder = mkdtempSync(join(tmpdir(), 'bench-log-'))
  const server = await startServer(await program(logFolder), core)
  try {
    const checked = { url: server.url, logFolder }
    for (const part of ['redirect', ...parts] as const) await claims[part].check(checked)
    const warmUp = await load(server.url, Math.min(warmUpSeconds, seconds), clients)
    const startMicros = cpuMicros(server.pid)
    const { answered, errors, ...result } = await load(server.url, seconds, clients)
    const usedMicros = cpuMicros(server.pid) - startMicros
    const rss = rssMiB(server.pid)
    if (answered === 0 || errors > 0) throw new Error(`${answered} redirects and ${errors} errors`)
    await checkCounts(checked, parts, warmUp.answered + answered, clients)
    return {
      cpuMicros: usedMicros / answered,
      requestsPerSecond: answered / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      rssMiB: rss,
      bootMs: server.bootMs,
    }
  } catch (error) {
    throw new Error(`${(error as Error).message}\nThe server wrote: ${server.output()}`, { cause: error })
  } finally {
    await server.release()
    rmSync(logFolder, { recursive: true })
  }
}

/** Nobody wins by doing less under load: each part has done its work for every request, and for no more than came. */
async function checkCounts(checked: Checked, parts: Part[], answered: number, clients: number): Promise<void> {
  for (const part of parts) {
    const { count } = claims[part]
    if (!count) continue
    const expected = part === 'limit' ? Math.floor(answered / clients) : answered
    // What was under way when a load ended is not counted by the load, and the checks asked a few times themselves.
    const most = expected + 2 * connections + 20
    const counted = await countUntil(() => count(checked), expected)
    if (counted < expected || counted > most) {
      throw new Error(`the part "${part}" has done its work for ${counted} of ${expected} requests`)
    }
  }
}

/** What is counted once it has reached the number, or after a while; what is written late still counts. */
async function countUntil(count: () => Promise<number>, expected: number): Promise<number> {
  const endMs = performance.now() + settleMs
  for (;;) {
    const counted = await count()
    if (counted >= expected || performance.now() > endMs) return counted
    await sleep(100)
  }
}
