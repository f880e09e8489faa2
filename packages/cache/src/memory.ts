import { LRUCache } from 'lru-cache'
import { nowMs } from './clock.js'

/** A value in memory. It is frozen; all who ask are given the same. */
export interface Entry {
  readonly value: unknown
  /** A promise of the value, made once, when memory takes it. */
  settled: Promise<unknown> | undefined
  readonly isNothing: boolean
  readonly version: string
  /** Until when it is answered without a second look: it is fresh, and not yet to be loaded ahead. */
  untilMs: number
  /** Until when memory may answer it. */
  readonly l1UntilMs: number
  /** Until when it is fresh. */
  readonly freshUntilMs: number
  /** The last invalidation before its load began. */
  readonly stamp: number
  /** What can invalidate it beside its key. */
  readonly stamps: readonly string[]
  /** The state of the stamps that it was last held against. */
  epoch: number
  readonly bytes: number
}

/** What says whether memory may answer. */
export interface Authority {
  /** Changes with every stamp. */
  epoch: number
  /** Until when every invalidation is sure to have been heard of, or to be waited for by who wants it confirmed. */
  leaseUntilMs: number
}

const overheadBytes = 320

/** L1: an lru-cache, whose hits are made to cost next to nothing. */
export class Memory {
  readonly #entries: LRUCache<string, Entry>
  readonly #authority: Authority

  constructor({ maxEntries, maxBytes }: { maxEntries: number; maxBytes: number | undefined }, authority: Authority) {
    this.#authority = authority
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes ?? Number.MAX_SAFE_INTEGER, // else it does not count
      sizeCalculation: ({ bytes }, key) => overheadBytes + bytes + key.length * 2,
    })
  }

  /** What can be answered at once. */
  hit(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const authority = this.#authority
    if (entry.epoch !== authority.epoch) return undefined
    const now = nowMs()
    return entry.untilMs > now && authority.leaseUntilMs > now ? entry : undefined
  }

  /** Whatever there is, for a second look. */
  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  set(key: string, entry: Entry): void {
    entry.settled ??= Promise.resolve(entry.value)
    this.#entries.set(key, entry)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#entries.calculatedSize
  }
}
