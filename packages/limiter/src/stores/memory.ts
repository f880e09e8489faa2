import process from 'node:process' // the global is a getter
import type { Counters } from '../algorithms/counters.js'
import { FixedCounters } from '../algorithms/fixed.js'
import { GcraCounters } from '../algorithms/gcra.js'
import { SlidingCounters } from '../algorithms/sliding.js'
import type { Bucket, HitAlgorithm } from './bucket.js'
import type { Claim } from './claim.js'
import { Table } from './table.js'

const counters: Record<HitAlgorithm, new (windowUs: number) => Counters> = {
  sliding: SlidingCounters,
  gcra: GcraCounters,
  fixed: FixedCounters,
}

const sweepEveryMs = 1_000
const sweepCount = 10_000

/** Whole microseconds that only go forward. Of the clocks that do, `hrtime` costs the least: half of `performance.now()`. Asked by its name, so that tests can fake it. */
export const monotonicUs = (): number => {
  const time = process.hrtime()
  return time[0] * 1_000_000 + Math.floor(time[1] / 1_000)
}

/** Counters in the memory of this process. It decides at once. */
export class MemoryStore {
  readonly #nowUs: () => number
  readonly #maxKeys: number
  readonly #tables: Table[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param maxKeys of each bucket; the oldest goes for a new one that finds no room */
  constructor(maxKeys: number, nowUs: () => number = monotonicUs) {
    this.#maxKeys = maxKeys
    this.#nowUs = nowUs
  }

  /** Answers all claims; if all that are enforced are met, each that is met is charged, else none. */
  decide(claims: readonly Claim[]): boolean {
    const nowUs = this.#nowUs()
    let isOk = true
    for (let i = 0; i < claims.length; i++) {
      const claim = claims[i]!
      const table = this.tableOf(claim.bucket)
      claim.slot = table.find(claim.key) ?? -1
      table.counters.ask(claim.slot, claim, nowUs)
      if (!claim.isOk && !claim.isShadow) isOk = false
    }
    if (!isOk) return false
    for (let i = 0; i < claims.length; i++) {
      const claim = claims[i]!
      if (!claim.isOk || claim.charge === 0) continue
      const table = this.#tables[claim.bucket.index]!
      if (claim.slot < 0) claim.slot = table.add(claim.key, nowUs)
      table.counters.charge(claim.slot, claim, nowUs)
    }
    return true
  }

  tableOf(bucket: Bucket): Table {
    return this.#tables[bucket.index] ?? this.#add(bucket)
  }

  reset(bucket: Bucket, key: string): void {
    this.#tables[bucket.index]?.remove(key)
  }

  get keys(): number {
    return this.#tables.reduce((sum, table) => sum + table.size, 0)
  }

  get evictions(): number {
    return this.#tables.reduce((sum, table) => sum + table.evictions, 0)
  }

  /** Gives the memory of keys that nobody asks for back, a few at a time. */
  start(): void {
    this.#timer ??= setInterval(() => this.sweep(), sweepEveryMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  sweep(): void {
    const nowUs = this.#nowUs()
    for (const table of this.#tables) table?.sweep(sweepCount, nowUs)
  }

  #add({ index, algorithm, windowUs }: Bucket): Table {
    const table = new Table(new counters[algorithm as HitAlgorithm](windowUs), this.#maxKeys, this.#nowUs)
    this.#tables[index] = table
    return table
  }
}
