import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runFolder } from '@steadfast/testing'
import type { Figures, Round, ServerName } from '../compare.js'
import { type Checked, claims, sampledClients } from './claims.js'
import { connections, type Load, type LoadResult } from './load/load.js'
import { type Program, type ServerProcess, startServer } from './server-process.js'
import { coreMicros, cpuMicros, rssMiB } from './usage.js'
import type { Part } from './workload.js'

/** One server of the ladder. */
export interface Rung {
  name: string
  about: string
  /** What it does besides the redirect; checked before and after the load. */
  parts: Part[]
  /** How many clients the load comes from. Default 1. */
  clients?: number
  /** How long it is under load before it is measured. Default 3: until then V8 is still at work on it. */
  warmUpSeconds?: number
  servers: ServerName[]
  program(logFolder: string): Promise<Program>
  /** After the last round. */
  release?(): Promise<void>
}

const settleMs = 5_000
const mostTries = 4

/** How far the hits of some clients may be from their share of all, and by how many hits they all may differ from that. */
const sampleTolerance = 0.25
const sampleHits = 4

/** Starts the rung's server afresh, so that rounds also tell how processes differ; checks it, loads it, and checks it again. */
export async function measureRung(rung: Rung, { load, seconds, core }: Round & { load: Load }): Promise<Figures> {
  const { parts, clients = 1, program, warmUpSeconds = 3 } = rung
  const logFolder = await mkdtemp(join(await runFolder(), 'log-'))
  let server: ServerProcess | undefined
  try {
    server = await startServer(await program(logFolder), core)
    const { url, pid, bootMs } = server
    const checked = { url, logFolder }
    for (const part of ['redirect', ...parts] as const) await claims[part].check(checked)
    const warmUp = await loadUntilAnswered(
      (s) => load(url, s, { clients, isStrict: true }),
      warmUpSeconds * Math.min(1, seconds),
    )

    const [startMicros, startCoreMicros] = [cpuMicros(pid), core === undefined ? 0 : coreMicros(core)]
    const result = await loadUntilAnswered((s) => load(url, s, { clients }), seconds)
    const usedMicros = cpuMicros(pid) - startMicros
    const othersMicros = core === undefined ? 0 : coreMicros(core) - startCoreMicros - usedMicros

    const rss = rssMiB(pid)
    await checkCounts(checked, parts, warmUp.answered + result.answered, clients)
    return {
      cpuMicros: usedMicros / result.answered,
      requestsPerSecond: result.answered / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      busyPercent: usedMicros / result.seconds / 1e4,
      othersPercent: Math.max(0, othersMicros / result.seconds / 1e4),
      rssMiB: rss,
      bootMs,
    }
  } catch (error) {
    throw new Error([(error as Error).message, server?.account()].filter(Boolean).join('\n'), { cause: error })
  } finally {
    await server?.release()
    await rm(logFolder, { recursive: true })
  }
}

/** In a short load on a busy machine nobody may get an answer, which says nothing of the server: the next one is longer. */
async function loadUntilAnswered(load: (seconds: number) => Promise<LoadResult>, seconds: number): Promise<LoadResult> {
  for (let tries = 1; ; tries++) {
    const result = await load(seconds * 2 ** (tries - 1))
    const { answered, errors } = result
    if (errors > 0 || (answered === 0 && tries === mostTries)) {
      throw new Error(`the load got ${answered} redirects and ${errors} errors or other answers`)
    }
    if (answered > 0) return result
  }
}

/** Nobody wins by doing less under load: each part has done its work for every request, and for no more than came. */
async function checkCounts(checked: Checked, parts: Part[], answered: number, clients: number): Promise<void> {
  const isSampled = (part: Part) => part === 'limit' && clients > 1
  const ofSample = sampleTolerance * answered + (sampleHits * clients) / sampledClients
  // What was under way when a load ended is not counted by the load, and the checks asked a few times themselves.
  const unseen = 2 * mostTries * connections + 20
  for (const part of parts) {
    const { count, isLate = false } = claims[part]
    if (!count) continue
    const tolerance = isSampled(part) ? ofSample : 0
    const least = answered - tolerance
    const counted = await countUntil(() => count(checked, clients), least, isLate ? settleMs : 0)
    if (counted < least || counted > answered + tolerance + unseen) {
      throw new Error(`the part "${part}" has done its work for ${Math.round(counted)} of ${answered} requests`)
    }
  }
}

/** What is counted once it has reached the number, or when the time is over. */
async function countUntil(count: () => Promise<number>, least: number, withinMs: number): Promise<number> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const counted = await count()
    if (counted >= least || performance.now() >= endMs) return counted
    await sleep(100)
  }
}
