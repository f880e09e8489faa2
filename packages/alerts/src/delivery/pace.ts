import { backoffMs } from './backoff.js'
import type { Batch } from './batch.js'
import type { Failure } from './failure.js'

/** How fast a channel may be told: slower while it fails, and as slow as it asks for. */
export class Pace {
  readonly #paceMs: number
  readonly #random: () => number
  #failures = 0
  pausedUntilMs = 0

  constructor(paceMs: number, random: () => number) {
    this.#paceMs = paceMs
    this.#random = random
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }

  worked(nowMs: number): void {
    this.#failures = 0
    this.pausedUntilMs = nowMs + this.#paceMs
  }

  /** @returns how long the message waits; others need not, if it is this message alone that fails */
  failed(batch: Batch, { retryAfterMs = 0 }: Failure, nowMs: number): number {
    this.#failures++
    // What the target asks for may lengthen the wait, but not shorten it: some ask for 0, or for a time that is past.
    const waitMs = Math.max(retryAfterMs, backoffMs(Math.max(1, batch.attempts), this.#random))
    const pauseMs = Math.max(retryAfterMs, Math.min(waitMs, backoffMs(this.#failures, this.#random)))
    this.pausedUntilMs = nowMs + pauseMs
    batch.notBeforeMs = nowMs + waitMs
    return waitMs
  }
}
