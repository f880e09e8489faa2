import type { Entries } from './entries.js'
import type { EntryOptionsResolver } from './entry-options.js'
import type { Events } from './events.js'
import type { Failures } from './failures.js'
import type { Flights } from './flights.js'
import type { L2 } from './l2.js'
import type { Log } from './log.js'
import type { Authority, Memory } from './memory.js'
import type { Pending } from './pending.js'
import type { Stamps } from './stamps.js'
import type { Counters } from './stats.js'
import type { Sync } from './sync.js'

/** The parts of one cache. */
export interface Core {
  readonly instance: string
  readonly memory: Memory | undefined
  /** Redis, and what keeps count with it. */
  readonly l2: L2 | undefined
  readonly sync: Sync | undefined
  readonly isTelling: boolean
  readonly lock: { ttlMs: number; waitMs: number } | undefined
  readonly authority: Authority
  readonly stamps: Stamps
  readonly entries: Entries
  readonly resolver: EntryOptionsResolver
  readonly flights: Flights
  readonly failures: Failures
  readonly pending: Pending
  readonly counters: Counters
  readonly events: Events
  readonly log: Log
  /** Invalidations of keys that Redis is being told. */
  readonly deleting: Map<string, Promise<unknown>>
  /** Aborts what is under way when the cache closes. */
  readonly closing: AbortController
  /** The highest number of an invalidation that is known. */
  knownNumber(): number
  /** The number of an invalidation that concerns nobody else. */
  nextNumber(): number
  /** Remembers what close() is to wait for. */
  inBackground(work: Promise<unknown>): void
}
