import type { Counters } from '../algorithms/counters.js'
import type { AtHand, Hit } from './claim.js'
import { compactKey } from './compact-key.js'

/** The keys of one bucket in memory, each with a slot of its counters. */
export class Table implements AtHand<number> {
  readonly counters: Counters
  readonly #maxKeys: number
  readonly #nowUs: () => number
  readonly #slots = new Map<string | number, number>()
  readonly #freeSlots: number[] = []
  #slotCount = 0
  #room = 0
  #cursor: Iterator<[string | number, number]> | undefined
  /** Keys that had to go while they still counted. */
  evictions = 0

  constructor(counters: Counters, maxKeys: number, nowUs: () => number) {
    this.counters = counters
    this.#maxKeys = maxKeys
    this.#nowUs = nowUs
  }

  get size(): number {
    return this.#slots.size
  }

  /** The slot of a key, if it has one. */
  find(key: string): number | undefined {
    return this.#slots.get(compactKey(key))
  }

  now(): number {
    return this.#nowUs()
  }

  take(slot: number, hit: Hit, nowUs: number): boolean {
    return this.counters.take(slot, hit, nowUs)
  }

  /** A slot for a key that has none. As every new key makes up for two old ones, those that are over never pile up. */
  add(key: string, nowUs: number): number {
    this.sweep(2, nowUs)
    if (this.#slots.size >= this.#maxKeys) this.#evict()
    const slot = this.#freeSlots.pop() ?? this.#slotCount++
    if (slot >= this.#room) {
      this.#room = Math.ceil(Math.max(64, this.#room * 1.125))
      this.counters.grow(this.#room)
    }
    const compact = compactKey(key)
    this.#slots.set(typeof compact === 'string' ? copyOf(compact) : compact, slot)
    return slot
  }

  remove(key: string): void {
    const compact = compactKey(key)
    const slot = this.#slots.get(compact)
    if (slot !== undefined) this.#free(compact, slot)
  }

  /** Looks at a few keys more, and forgets those that are over. */
  sweep(count: number, nowUs: number): void {
    for (let seen = 0; seen < count; seen++) {
      this.#cursor ??= this.#slots.entries()
      const { value, done } = this.#cursor.next()
      if (done) {
        this.#cursor = undefined
        return
      }
      if (this.counters.isOver(value[1], nowUs)) this.#free(value[0], value[1])
    }
  }

  #evict(): void {
    for (const [key, slot] of this.#slots) {
      this.#free(key, slot)
      this.evictions++
      return
    }
  }

  #free(key: string | number, slot: number): void {
    this.#slots.delete(key)
    this.counters.clear(slot)
    this.#freeSlots.push(slot)
  }
}

/** V8 may keep a text as a part of the whole header that it was cut out of, and needs one byte a letter where two don't matter. */
function copyOf(text: string): string {
  const encoding = /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf16le'
  return Buffer.from(text, encoding).toString(encoding)
}
