import type { BreakerState } from './breaker.js'
import type { Log } from './log.js'
import { refuse } from './rules.js'

export interface CacheEvents {
  /** A read was answered without a load. */
  hit: { namespace: string; key: string; from: 'l1' | 'l2' | 'stale' }
  /** A read had to wait for a load, or found nothing. */
  miss: { namespace: string; key: string }
  /** A loader was run. `stored` is false where an invalidation came meanwhile. */
  load: { namespace: string; key: string; ms: number; stored: boolean; error?: unknown }
  /** Redis no longer answers, or does again. */
  degraded: { isDegraded: boolean; reason?: string }
  breaker: { state: BreakerState }
  /** An invalidation may have been missed, and memory was emptied. */
  flush: { reason: string }
}

type Listener<Name extends keyof CacheEvents> = (event: CacheEvents[Name]) => void

const names = ['hit', 'miss', 'load', 'degraded', 'breaker', 'flush']

/** Listeners by event. One that throws costs nobody else anything. */
export class Events {
  /** Whether anybody listens to hits, which memory asks each time. */
  hearsHits = false
  readonly #listeners = new Map<string, Set<(event: never) => unknown>>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  has(name: keyof CacheEvents): boolean {
    return this.#listeners.has(name)
  }

  on<Name extends keyof CacheEvents>(name: Name, listener: Listener<Name>): void {
    if (!names.includes(name)) refuse('the event', `one of ${names.join(', ')}`, name)
    if (typeof listener !== 'function') refuse(`the listener to "${name}"`, 'a function', listener)
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    this.hearsHits = this.#listeners.has('hit')
  }

  off<Name extends keyof CacheEvents>(name: Name, listener: Listener<Name>): void {
    const listeners = this.#listeners.get(name)
    if (listeners?.delete(listener) && listeners.size === 0) this.#listeners.delete(name)
    this.hearsHits = this.#listeners.has('hit')
  }

  emit<Name extends keyof CacheEvents>(name: Name, event: CacheEvents[Name]): void {
    const failed = (error: unknown) => this.#log.warn({ err: error }, `a listener to the cache's "${name}" failed`)
    for (const listener of this.#listeners.get(name) ?? []) (async () => listener(event as never))().catch(failed)
  }
}
