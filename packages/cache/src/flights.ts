import { BriefMap } from './brief-map.js'
import type { Flight, Voidable } from './flight.js'
import { stampsOf } from './keys.js'
import { floorStamp } from './stamps.js'

/** All that is under way, by key. */
export class Flights {
  readonly #joinable = new BriefMap<Flight>()
  readonly #refreshes = new BriefMap<Flight>()
  readonly #watched = new BriefMap<Set<Voidable>>()

  /** The one that who asks now may join: of those in the background, only where what they replace is no longer fresh. */
  get(key: string): Flight | undefined {
    const flight = this.#joinable.get(key)
    if (flight || this.#refreshes.size === 0) return flight
    const refresh = this.#refreshes.get(key)
    return refresh && refresh.stale!.freshUntilMs <= performance.now() ? refresh : undefined
  }

  isRefreshing(key: string): boolean {
    return this.#refreshes.get(key) !== undefined
  }

  add(flight: Flight): void {
    const map = flight.replaces === undefined ? this.#joinable : this.#refreshes
    map.set(flight.request.key, flight)
  }

  remove(flight: Flight): void {
    const { key } = flight.request
    const map = flight.replaces === undefined ? this.#joinable : this.#refreshes
    if (map.get(key) === flight) map.delete(key)
  }

  watch<T extends Voidable>(key: string, voidable: T): T {
    const others = this.#watched.get(key)
    if (others) others.add(voidable)
    else this.#watched.set(key, new Set([voidable]))
    return voidable
  }

  unwatch(key: string, voidable: Voidable): void {
    const others = this.#watched.get(key)
    if (others?.delete(voidable) && others.size === 0) this.#watched.delete(key)
  }

  voidKey(key: string): void {
    for (const map of [this.#joinable, this.#refreshes]) {
      const flight = map.get(key)
      if (flight === undefined) continue
      flight.isVoid = true
      map.delete(key)
    }
    for (const voidable of this.#watched.get(key) ?? []) voidable.isVoid = true
  }

  /** Those that are known to have one of the stamps. Of the others it shows at their end. */
  voidStamps(names: readonly string[]): void {
    for (const map of [this.#joinable, this.#refreshes]) {
      for (const [key, flight] of map.entries()) {
        const { namespace, options } = flight.request
        if (!names.includes(floorStamp) && !stampsOf(namespace, options.tags).some((name) => names.includes(name)))
          continue
        map.delete(key)
        flight.isVoid = true
      }
    }
  }

  voidAll(): void {
    for (const map of [this.#joinable, this.#refreshes, this.#watched])
      for (const [key] of map.entries()) this.voidKey(key)
  }
}
