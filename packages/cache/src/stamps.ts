import type { Authority } from './memory.js'

/** How many stamps an instance remembers, and Redis keeps. */
export const mostStamps = 100_000

/** The stamp of all there is, which `clear()` of the cache itself raises. */
export const floorStamp = 'floor'

/**
 * The last invalidation of each tag and namespace, as far as this instance has heard. An entry holds if none of its stamps is above
 * the number that was the last when its load began.
 */
export class Stamps {
  readonly #authority: Authority
  readonly #known = new Map<string, number>()
  /** Invalidations under way, which have no number yet. */
  readonly #pending = new Map<string, number>()
  /** What a stamp that is no longer remembered may have been at most. */
  #forgotten = 0
  #floor = 0

  constructor(authority: Authority) {
    this.#authority = authority
  }

  get floor(): number {
    return this.#floor
  }

  /** From an invalidation, of this instance or another. */
  raise(names: readonly string[], number: number): void {
    for (const name of names) {
      if (name === floorStamp) this.#floor = Math.max(this.#floor, number)
      else this.learn(name, number)
    }
    this.#authority.epoch++
  }

  /** From Redis, about what was before. */
  learn(name: string, number: number): void {
    const last = Math.max(number, this.#known.get(name) ?? 0)
    this.#known.delete(name)
    this.#known.set(name, last)
    if (this.#known.size <= mostStamps) return
    const [oldest, stamp] = this.#known.entries().next().value!
    this.#known.delete(oldest)
    this.#forgotten = Math.max(this.#forgotten, stamp)
  }

  /** From here on nothing holds that has one of these. */
  hold(names: readonly string[]): void {
    for (const name of names) this.#pending.set(name, (this.#pending.get(name) ?? 0) + 1)
    this.#authority.epoch++
  }

  release(names: readonly string[]): void {
    for (const name of names) {
      const left = (this.#pending.get(name) ?? 1) - 1
      if (left === 0) this.#pending.delete(name)
      else this.#pending.set(name, left)
    }
    this.#authority.epoch++
  }

  /** Of what was loaded while this instance heard of everything: what it has not heard of has not been. */
  holds(stamp: number, names: readonly string[]): boolean {
    if (stamp < this.#floor) return false
    if (this.#pending.size > 0 && this.#pending.has(floorStamp)) return false
    for (const name of names) {
      if (this.#pending.has(name) || (this.#known.get(name) ?? this.#forgotten) > stamp) return false
    }
    return true
  }

  /** Those that Redis must be asked for. */
  unknownOf(names: readonly string[]): string[] {
    return names.filter((name) => !this.#known.has(name))
  }

  /** After invalidations that were not heard of. */
  forget(floor: number): void {
    this.#known.clear()
    this.#floor = Math.max(this.#floor, floor)
    this.#authority.epoch++
  }
}
