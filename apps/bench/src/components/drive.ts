import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Figures } from '../compare.js'
import { redisMicros, roundTrips } from './redis-load.js'

export interface Driven {
  operations: number
  /** With those of the warm-up. */
  allOperations: number
  seconds: number
  /** User and system time of the whole process, its other threads included. */
  cpuMicros: number
}

const warmUpSeconds = 0.3

/**
 * The operation, again and again, after a warm-up; `lanes` of them at a time, each waiting for its own if it is a promise, and with
 * `awaits` also if it is none.
 */
export async function drive(
  operate: (count: number) => unknown,
  { seconds, lanes = 1, awaits = false }: { seconds: number; lanes?: number; awaits?: boolean },
): Promise<Driven> {
  const warmUp = await driveFor(Math.min(warmUpSeconds, seconds), lanes, awaits, operate)
  const startCpu = process.cpuUsage()
  const startMs = performance.now()
  const operations = await driveFor(seconds, lanes, awaits, operate)
  const { user, system } = process.cpuUsage(startCpu)
  const allOperations = warmUp + operations
  return { operations, allOperations, seconds: (performance.now() - startMs) / 1_000, cpuMicros: user + system }
}

/** The same with Redis behind it, 64 operations at a time, and what an operation costs Redis. */
export async function driveRedis(
  operate: (count: number) => unknown,
  { seconds, redisUrl }: { seconds: number; redisUrl: string },
): Promise<Figures> {
  const trips = await roundTrips(redisUrl, operate)
  const { result, micros } = await redisMicros(redisUrl, () => drive(operate, { seconds, lanes: 64 }))
  return { ...costOf(result), roundTrips: trips, redisMicros: micros / result.allOperations }
}

/** What one operation costs. */
export function costOf({ operations, seconds, cpuMicros }: Driven): Figures {
  return { cpuMicros: cpuMicros / operations, perSecond: operations / seconds }
}

async function driveFor(
  seconds: number,
  lanes: number,
  awaits: boolean,
  operate: (count: number) => unknown,
): Promise<number> {
  const endMs = performance.now() + seconds * 1_000
  const turn = lanes === 1 ? 1_000 : 10 // what takes long enough to have lanes can look at the clock more often
  let count = 0
  async function lane(): Promise<void> {
    while (performance.now() < endMs) {
      for (let i = 0; i < turn; i++) {
        const answer = operate(count++)
        if (awaits || answer instanceof Promise) await answer
      }
      await nextTurn()
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return count
}
