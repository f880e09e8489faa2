import type { Claim, Hit } from '../stores/claim.js'
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
    this.#answer(claim, debt)
  }

  take(slot: number, hit: Hit, nowUs: number): boolean {
    const { limit, burst, cost } = hit.policy
    const debt = this.#debtAt(slot, limit, nowUs) + cost * this.#windowUs
    if (debt > burst * this.#windowUs) return false
    this.#owe(slot, debt, limit, nowUs)
    hit.remaining = this.#remaining(debt, burst)
    hit.resetUs = this.#resetUs(debt, burst, limit)
    return true
  }

  charge(slot: number, claim: Claim, nowUs: number): void {
    const debt = this.#debtAt(slot, claim.limit, nowUs) + claim.charge * this.#windowUs
    this.#owe(slot, debt, claim.limit, nowUs)
    this.#answer(claim, debt)
  }

  isOver(slot: number, nowUs: number): boolean {
    return this.#debtAt(slot, this.#rates[slot]!, nowUs) === 0
  }

  #debtAt(slot: number, limit: number, nowUs: number): number {
    return Math.max(0, this.#debts[slot]! - (nowUs - this.#times[slot]!) * limit)
  }

  #owe(slot: number, debt: number, limit: number, nowUs: number): void {
    this.#times[slot] = nowUs
    this.#debts[slot] = debt
    this.#rates[slot] = limit
  }

  #answer(claim: Claim, debt: number): void {
    claim.remaining = this.#remaining(debt, claim.burst)
    claim.resetUs = Math.max(claim.retryUs, this.#resetUs(debt, claim.burst, claim.limit))
  }

  #remaining(debt: number, burst: number): number {
    return Math.max(0, Math.floor((burst * this.#windowUs - debt) / this.#windowUs))
  }

  /** Until there is one more than now. */
  #resetUs(debt: number, burst: number, limit: number): number {
    if (debt === 0) return 0
    const toNext = debt - (burst - this.#remaining(debt, burst) - 1) * this.#windowUs
    return Math.ceil(toNext / limit)
  }
}
