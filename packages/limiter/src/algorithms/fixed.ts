import type { Claim, Hit } from '../stores/claim.js'
import { type Counters, widened } from './counters.js'

/** At most `limit` in each window; a key's windows begin with its first hit. Twice the limit may pass around the end of one. */
export class FixedCounters implements Counters {
  readonly #windowUs: number
  #starts = new Float64Array(0)
  #counts = new Uint32Array(0)

  constructor(windowUs: number) {
    this.#windowUs = windowUs
  }

  grow(slots: number): void {
    this.#starts = widened(this.#starts, Float64Array, slots)
    this.#counts = widened(this.#counts, Uint32Array, slots)
  }

  clear(slot: number): void {
    this.#counts[slot] = 0
  }

  ask(slot: number, claim: Claim, nowUs: number): void {
    const isEmpty = slot < 0 || this.isOver(slot, nowUs)
    const used = isEmpty ? 0 : this.#counts[slot]!
    const leftUs = isEmpty ? this.#windowUs : this.#starts[slot]! + this.#windowUs - nowUs
    claim.isOk = used + claim.need <= claim.limit
    claim.remaining = Math.max(0, claim.limit - used)
    claim.retryUs = claim.isOk ? 0 : leftUs
    claim.resetUs = used > 0 || !claim.isOk ? leftUs : 0
  }

  take(slot: number, hit: Hit, nowUs: number): boolean {
    const { limit, cost } = hit.policy
    const leftUs = this.#starts[slot]! + this.#windowUs - nowUs
    const used = this.#counts[slot]! + cost
    if (leftUs <= 0 || used > limit) return false
    this.#counts[slot] = used
    hit.remaining = limit - used
    hit.resetUs = leftUs
    return true
  }

  charge(slot: number, claim: Claim, nowUs: number): void {
    if (this.isOver(slot, nowUs)) {
      this.#starts[slot] = nowUs
      this.#counts[slot] = 0
    }
    const used = Math.min(this.#counts[slot]! + claim.charge, 0xffff_ffff)
    this.#counts[slot] = used
    claim.remaining = Math.max(0, claim.limit - used)
    claim.resetUs = this.#starts[slot]! + this.#windowUs - nowUs
  }

  isOver(slot: number, nowUs: number): boolean {
    return this.#counts[slot] === 0 || nowUs >= this.#starts[slot]! + this.#windowUs
  }
}
