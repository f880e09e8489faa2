import { floorStamp } from './stamps.js'

/** Above this many keys, all there is counts as invalid instead. */
const mostKeys = 10_000

/** What Redis is still to be told. While a key is here, Redis is not asked for it. */
export class Pending {
  readonly #keys = new Map<string, number>()
  readonly #stamps = new Map<string, number>()
  #turn = 0
  #isReplaying = false

  get size(): number {
    return this.#keys.size + this.#stamps.size
  }

  has(key: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(key)
  }

  /** Gives the stamps that are pending by it and were not before. */
  add(keys: readonly string[], stamps: readonly string[]): string[] {
    this.#turn++
    for (const key of keys) this.#keys.set(key, this.#turn)
    const names = [...stamps]
    if (this.#keys.size > mostKeys) {
      this.#keys.clear()
      names.push(floorStamp)
    }
    const added = names.filter((name) => !this.#stamps.has(name))
    for (const name of names) this.#stamps.set(name, this.#turn)
    return added
  }

  /** Tells it all; what was added meanwhile stays. Resolves with the stamps that are no longer pending. */
  async replay(tell: (keys: string[], stamps: string[]) => Promise<unknown>): Promise<string[]> {
    if (this.size === 0 || this.#isReplaying) return []
    this.#isReplaying = true
    const turn = this.#turn
    const told = [...this.#stamps.keys()]
    try {
      await tell([...this.#keys.keys()], told)
    } finally {
      this.#isReplaying = false
    }
    const isTold = (map: Map<string, number>, name: string) => map.get(name)! <= turn && map.delete(name)
    for (const key of [...this.#keys.keys()]) isTold(this.#keys, key)
    return told.filter((name) => isTold(this.#stamps, name))
  }
}
