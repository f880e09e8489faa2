/** Above this many keys that are gone, the map is made anew. */
const mostGone = 1_000

/**
 * A map for what comes and goes all the time. V8's own replaces its table every few deletions, and each table that it leaves behind
 * keeps alive what it held, and its successor, until all of the heap is collected: most of what is in flight would be.
 */
export class BriefMap<T extends object> {
  #map = new Map<string, T | undefined>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): T | undefined {
    return this.#map.get(key)
  }

  set(key: string, value: T): void {
    if (this.#map.get(key) === undefined) this.#size++
    this.#map.set(key, value)
  }

  delete(key: string): void {
    if (this.#map.get(key) === undefined) return
    this.#size--
    this.#map.set(key, undefined)
    if (this.#map.size - this.#size <= Math.max(mostGone, this.#size)) return
    const kept = this.entries()
    this.#map = new Map(kept)
  }

  /** Those that are there now. */
  entries(): [key: string, value: T][] {
    return [...this.#map].filter((entry): entry is [string, T] => entry[1] !== undefined)
  }
}
