import { nowMs, pause } from './clock.js'
import type { Core } from './core.js'
import type { ResolvedEntryOptions } from './entry-options.js'
import { LoadFailedError } from './errors.js'
import { Flight, type Landing, type Request } from './flight.js'
import type { Grant } from './l2.js'
import { leaseMs, load } from './loading.js'
import { type Found, lookUp } from './lookup.js'
import type { Entry } from './memory.js'
import { servable } from './stale.js'

/** How often what another process loads is looked for. */
const [firstLookMs, lastLookMs] = [5, 50]
/** After another process was found to refresh already. */
const nextRefreshMs = 50
const mostTries = 10

/** Reads that memory could not answer at once. */
export class Reader {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  /** The value: from memory after a second look, from Redis, or from one load that all share. */
  async read(request: Request): Promise<unknown> {
    const { flights, failures, counters, authority } = this.#core
    const { key, options } = request
    const held = this.#held(key)
    if (held && this.#isAnswerable(held)) {
      counters.l1Hits++
      this.#emitHit(key, 'l1')
      this.#refresh(request, held)
      return held.value
    }
    const failure = failures.get(key)
    if (failure) {
      const stale = servable(held ?? failure.stale, options.graceMs)
      if (!stale) {
        this.#miss(key)
        throw failure.error
      }
      return this.#serve(key, { entry: stale, from: 'stale', isVoid: false })
    }
    const flight = flights.get(key) ?? this.#start(request, held)
    const { epoch } = authority
    let landing: Landing
    try {
      landing = options.softTimeoutMs === Infinity ? await flight.landing : await this.#wait(flight, options)
    } catch (error) {
      this.#miss(key)
      throw error
    }
    if (landing.isVoid && epoch !== flight.epoch) return this.read(request)
    if (landing.from === 'l2') this.#refresh(request, landing.entry)
    return this.#serve(key, landing)
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

  #serve(key: string, { entry, from }: Landing): unknown {
    const { counters } = this.#core
    if (from === 'load') this.#miss(key)
    else {
      if (from === 'l2') counters.l2Hits++
      else counters.staleHits++
      this.#emitHit(key, from)
    }
    return entry.value
  }

  #miss(key: string): void {
    const { counters, events } = this.#core
    counters.misses++
    if (events.has('miss')) events.emit('miss', { key })
  }

  #emitHit(key: string, from: 'l1' | 'l2' | 'stale'): void {
    const { events } = this.#core
    if (events.has('hit')) events.emit('hit', { key, from })
  }

  #start(request: Request, stale: Entry | undefined, replaces?: string): Flight {
    const { flights, authority } = this.#core
    const flight = new Flight(request, authority.epoch, stale, replaces)
    flights.add(flight)
    flight.landing = this.#fly(flight)
    if (replaces !== undefined) flight.landing.catch(() => {}) // nobody may have waited for it
    return flight
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

  async #fly(flight: Flight): Promise<Landing> {
    try {
      const found = await lookUp(this.#core, flight.request, flight.request.options.refreshAheadMs)
      // What most reads find, and all they need.
      if (found.is === 'fresh' && flight.replaces === undefined && !flight.isVoid) {
        this.#core.memory?.set(flight.request.key, found.entry)
        return { entry: found.entry, from: 'l2', isVoid: false }
      }
      return await this.#find(flight, found)
    } finally {
      this.#core.flights.remove(flight)
    }
  }

  async #find(flight: Flight, first: Found): Promise<Landing> {
    const { lock, memory } = this.#core
    const { request } = flight
    const { key, options } = request
    let next: Found | undefined = first
    for (let tries = 0, lookMs = firstLookMs, patienceMs = 0; ; ) {
      const found: Found = next ?? (await lookUp(this.#core, request, options.refreshAheadMs))
      next = undefined
      if (found.is === 'down') return load(this.#core, flight, undefined)
      if (found.is === 'failed') return this.#failedElsewhere(flight, found.reason)
      if (found.is === 'fresh' && found.entry.version !== flight.replaces) {
        if (flight.isVoid && tries++ < mostTries) continue // it may have been read before it was invalidated
        if (!flight.isVoid) memory?.set(key, found.entry)
        return { entry: found.entry, from: 'l2', isVoid: flight.isVoid }
      }
      if (found.is === 'stale' || found.is === 'fresh') flight.stale = found.entry
      const grant = await this.#begin(key, found)
      if (grant === undefined || (grant.is === 'changed' && tries++ >= mostTries))
        return load(this.#core, flight, undefined)
      if (grant.is === 'changed') continue
      if (grant.is === 'failed') return this.#failedElsewhere(flight, 'it is not tried again yet')
      // Who loads beside another shares its token: both may store, as long as nothing was invalidated.
      if (grant.is === 'granted' || !lock) return load(this.#core, flight, grant.token)
      if (flight.replaces !== undefined) return this.#leaveToOther(flight)
      const stale = servable(flight.stale, options.graceMs)
      if (stale) return { entry: stale, from: 'stale', isVoid: flight.isVoid }
      patienceMs ||= performance.now() + lock.waitMs
      if (performance.now() >= patienceMs) return load(this.#core, flight, grant.token)
      await pause(lookMs)
      lookMs = Math.min(lastLookMs, lookMs * 2)
    }
  }

  async #begin(key: string, found: Exclude<Found, { is: 'down' | 'failed' }>): Promise<Grant | undefined> {
    const { l2, lock, entries } = this.#core
    if (found.is === 'busy') return found
    const seen = found.is === 'missing' ? found.seen : found.entry.version
    return l2!.begin(key, seen, entries.newToken(), lock?.ttlMs ?? leaseMs).catch(() => undefined)
  }

  #leaveToOther({ stale }: Flight): Landing {
    if (stale) stale.untilMs = Math.min(stale.l1UntilMs, performance.now() + nextRefreshMs)
    return { entry: stale!, from: 'stale', isVoid: false }
  }

  #failedElsewhere(flight: Flight, reason: string): Landing {
    const { key, options } = flight.request
    const stale = servable(flight.stale, options.graceMs)
    if (stale) return { entry: stale, from: 'stale', isVoid: flight.isVoid }
    throw new LoadFailedError(key, reason)
  }
}
