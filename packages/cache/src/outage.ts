import type { Events } from './events.js'
import type { Log } from './log.js'
import type { Counters } from './stats.js'

/** Without a failure for so long, it is over: where some commands fail and others don't, it is one outage. */
const quietMs = 1_000

/** Says once that Redis fails, and once that it is back. */
export class Outage {
  #isDegraded = false
  #failedMs = 0
  readonly #events: Events
  readonly #counters: Counters
  readonly #log: Log

  constructor(events: Events, counters: Counters, log: Log) {
    this.#events = events
    this.#counters = counters
    this.#log = log
  }

  failed(error: unknown): void {
    this.#counters.l2Errors++
    this.#failedMs = performance.now()
    if (this.#isDegraded) return
    this.#isDegraded = true
    const reason = `${(error as Error)?.message ?? error}`
    this.#log.warn({ err: error }, 'the cache does without Redis, which fails')
    this.#events.emit('degraded', { isDegraded: true, reason })
  }

  succeeded(): void {
    if (!this.#isDegraded || performance.now() - this.#failedMs < quietMs) return
    this.#isDegraded = false
    this.#log.info({}, 'the cache has Redis again')
    this.#events.emit('degraded', { isDegraded: false })
  }
}
