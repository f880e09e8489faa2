import type { Claim } from '../stores/claim.js'
import { type Counters, widened } from './counters.js'

/** With a burst as large as the limit, twice as many would pass within a window, as with fixed ones; so it is a tenth of it. */
export function defaultBurst(limit: number): number {
  return Math.ceil(limit / 10)
}

/**
 * The generic cell rate algorithm (ITU-T I.371), told as a debt that is paid off steadily: never more than
 * `burst + elapsed × limit / window`. A hit owes as many units as the window has microseconds, and each microsecond pays
 * `limit` units, so that whole numbers do, up to 2^53.
 */
export class GcraCounters implements Counters {
  readonly #windowUs: number
  #times = new Float64Array(0)
  #debts = new Float64Array(0)
  /** Units paid each microsecond, of the limit that the key last had. */
  #rates = new Uint32Array(0)

  constructor(windowUs: number) {
    this.#windowUs = windowUs
  }

  grow(slots: number): void {
    this.#times = widened(this.#times, Float64Array, slots)
    this.#debts = widened(this.#debts, Float64Array, slots)
    this.#rates = widened(this.#rates, Uint32Array, slots)
  }

  clear(slot: number): void {
    this.#debts[slot] = 0
  }

  ask(slot: number, claim: Claim, nowUs: number): void {
    const debt = slot < 0 ? 0 : this.#debtAt(slot, claim.limit, nowUs)
    const over = debt + claim.need * this.#windowUs - claim.burst * this.#windowUs
    claim.isOk = over <= 0
    claim.retryUs = claim.isOk ? 0 : Math.ceil(over / claim.limit)
    this.#tell(claim, debt)
  }

  take(slot: number, claim: Claim, nowUs: number): boolean {
    this.ask(slot, claim, nowUs)
    if (!claim.isOk) return false
    this.charge(slot, claim, nowUs)
    return true
  }

  charge(slot: number, claim: Claim, nowUs: number): void {
    const debt = this.#debtAt(slot, claim.limit, nowUs) + claim.charge * this.#windowUs
    this.#times[slot] = nowUs
    this.#debts[slot] = debt
    this.#rates[slot] = claim.limit
    this.#tell(claim, debt)
  }

  isOver(slot: number, nowUs: number): boolean {
    return this.#debtAt(slot, this.#rates[slot]!, nowUs) === 0
  }

  #debtAt(slot: number, limit: number, nowUs: number): number {
    return Math.max(0, this.#debts[slot]! - (nowUs - this.#times[slot]!) * limit)
  }

  #tell(claim: Claim, debt: number): void {
    const window = this.#windowUs
    const remaining = Math.max(0, Math.floor((claim.burst * window - debt) / window))
    claim.remaining = remaining
    const toNext = debt - (claim.burst - remaining - 1) * window
    claim.resetUs = debt === 0 ? claim.retryUs : Math.max(claim.retryUs, Math.ceil(toNext / claim.limit))
  }
}
