import { nowMs } from './clock.js'
import type { Core } from './core.js'
import type { ResolvedEntryOptions } from './entry-options.js'
import { Flight, type Landing, type Request } from './flight.js'
import { placeOf } from './keys.js'
import { type Found, look } from './lookup.js'
import type { Entry } from './memory.js'
import { search } from './search.js'
import { servable } from './stale.js'

/** Reads that memory could not answer at once. */
export class Reader {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  /** The value: from memory after a second look, from Redis, or from one load that all share. */
  read(request: Request): Promise<unknown> {
    const { flights, failures, authority } = this.#core
    const { key, options } = request
    const held = this.#held(key)
    if (held && this.#isAnswerable(held)) {
      this.#refresh(request, held)
      return Promise.resolve(this.#serve(key, held, 'l1'))
    }
    const failure = failures.get(key)
    if (failure && !failure.isRefresh) {
      const stale = servable(held ?? failure.stale, options.graceMs)
      if (stale) return Promise.resolve(this.#serve(key, stale, 'stale'))
      this.#miss(key)
      return Promise.reject(failure.error)
    }
    const flight = flights.get(key)
    if (flight) return this.#arrive(request, flight, authority.epoch)
    return held && options.softTimeoutMs !== Infinity
      ? this.#arrive(request, this.#start(request, held), authority.epoch)
      : this.#lead(request, held)
  }

  /** What memory may answer. */
  answerable(key: string): Entry | undefined {
    const held = this.#held(key)
    return held && this.#isAnswerable(held) ? held : undefined
  }

  #isAnswerable({ l1UntilMs }: Entry): boolean {
    const now = nowMs()
    return this.#core.authority.leaseUntilMs > now && l1UntilMs > now
  }

  /** What memory has and nothing has invalidated, of whatever age. */
  #held(key: string): Entry | undefined {
    const { memory, stamps, authority } = this.#core
    const entry = memory?.get(key)
    if (entry === undefined || entry.epoch === authority.epoch) return entry
    if (!stamps.holds(entry.stamp, entry.stamps)) {
      memory?.delete(key)
      return undefined
    }
    entry.epoch = authority.epoch
    return entry
  }

  #serve(key: string, entry: Entry, from: Landing['from'] | 'l1'): unknown {
    const { counters } = this.#core
    if (from === 'load') this.#miss(key)
    else {
      if (from === 'l2') counters.l2Hits++
      else if (from === 'l1') counters.l1Hits++
      else counters.staleHits++
      this.#emitHit(key, from)
    }
    return entry.value
  }

  #miss(key: string): void {
    const { counters, events } = this.#core
    counters.misses++
    if (events.has('miss')) events.emit('miss', placeOf(key))
  }

  #emitHit(key: string, from: 'l1' | 'l2' | 'stale'): void {
    const { events } = this.#core
    if (events.has('hit')) events.emit('hit', { ...placeOf(key), from })
  }

  /** The first who asks, past memory: most find what they ask for by one look, which needs no other promise than theirs. */
  #lead(request: Request, held: Entry | undefined): Promise<unknown> {
    const { flights, authority, memory } = this.#core
    const { key, options } = request
    const flight = new Flight(request, authority.epoch, held, undefined)
    flights.add(flight)
    return new Promise((resolve) => {
      look(this.#core, request, options.refreshAheadMs, (found) => {
        if (found.is !== 'fresh' || flight.isVoid) {
          this.#search(flight, found)
          resolve(this.#arrive(request, flight, flight.epoch))
          return
        }
        const { entry } = found
        memory?.set(key, entry)
        flights.remove(flight)
        flight.land({ entry, from: 'l2', isVoid: false })
        this.#refresh(request, entry)
        resolve(this.#serve(key, entry, 'l2'))
      })
    })
  }

  #start(request: Request, held: Entry | undefined, replaces?: string): Flight {
    const { flights, authority } = this.#core
    const flight = new Flight(request, authority.epoch, held, replaces)
    flights.add(flight)
    look(this.#core, request, request.options.refreshAheadMs, (found) => this.#search(flight, found))
    return flight
  }

  #search(flight: Flight, found: Found): void {
    const landing = search(this.#core, flight, found).finally(() => this.#core.flights.remove(flight))
    landing.catch(() => {}) // nobody may wait for it
    flight.land(landing)
  }

  /** With all others who wait for the flight. The epoch is that of when they asked. */
  async #arrive(request: Request, flight: Flight, epoch: number): Promise<unknown> {
    const { key, options } = request
    let landing: Landing
    try {
      landing = options.softTimeoutMs === Infinity ? await flight.landing : await this.#wait(flight, options)
    } catch (error) {
      this.#miss(key)
      throw error
    }
    if (landing.isVoid && epoch !== flight.epoch) return this.read(request)
    if (landing.from === 'l2') this.#refresh(request, landing.entry)
    return this.#serve(key, landing.entry, landing.from)
  }

  /** In the background, where it is due. */
  #refresh(request: Request, entry: Entry): void {
    const { flights, failures } = this.#core
    const { key, options } = request
    if (options.refreshAheadMs === 0 || entry.isNothing) return
    const nowMs = performance.now()
    if (nowMs < entry.untilMs || nowMs < entry.freshUntilMs - options.refreshAheadMs) return
    if (!flights.get(key) && !flights.isRefreshing(key) && !failures.get(key))
      this.#start(request, entry, entry.version)
  }

  /** With a stale value at hand, only for as long as the caller wants to. */
  async #wait(flight: Flight, { softTimeoutMs, graceMs }: ResolvedEntryOptions): Promise<Landing> {
    let timer: NodeJS.Timeout | undefined
    const soft = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, softTimeoutMs, undefined)
    })
    const landing = await Promise.race([flight.landing, soft]).finally(() => clearTimeout(timer))
    if (landing) return landing
    const stale = flight.isVoid ? undefined : servable(flight.stale, graceMs)
    return stale ? { entry: stale, from: 'stale', isVoid: false } : flight.landing
  }
}
