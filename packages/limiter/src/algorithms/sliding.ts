import type { Claim } from '../stores/claim.js'
import { type Counters, widened } from './counters.js'

/**
 * Into how many steps a window is divided. A step counts until all of it has left the window, so a hit counts for up to one
 * step longer than it must: `limit` may be reached once every 21 steps instead of 20, 95.2 % of it under steady excess.
 */
export const steps = 20

/** How many keys have what lies before their newest step summed up: of those that share a place, the one that came last. */
const lookedBack = 256

/**
 * Never more than `limit` in any window. The newest step of a key lies in its slot, and those before it in a row, which only a
 * key has that was hit in several steps.
 */
export class SlidingCounters implements Counters {
  readonly #windowUs: number
  readonly #stepUs: number
  #newest = new Float64Array(0)
  #counts = new Uint32Array(0)
  /** The number of the key's row, from 1; 0 is none. */
  #rowOf = new Uint32Array(0)
  /** A step lies at its number modulo 20. They begin with small numbers, and become wider once a count does not fit. */
  #rows: Uint8Array | Uint16Array | Uint32Array = new Uint8Array(0)
  #most = 0xff
  #rowCount = 0
  readonly #freeRows: number[] = []
  /** In threes: whose slot, its newest step, and when the first that counts from before that will have left the window. */
  readonly #back = new Float64Array(lookedBack * 3).fill(-1)
  /** How many count from before it: whole numbers, as sums of others are slower. */
  readonly #backCounts = new Uint32Array(lookedBack)

  constructor(windowUs: number) {
    this.#windowUs = windowUs
    this.#stepUs = windowUs / steps
  }

  grow(slots: number): void {
    this.#newest = widened(this.#newest, Float64Array, slots)
    this.#counts = widened(this.#counts, Uint32Array, slots)
    this.#rowOf = widened(this.#rowOf, Uint32Array, slots)
  }

  clear(slot: number): void {
    this.#counts[slot] = 0
    this.#newest[slot] = 0
    this.#dropRow(slot)
  }

  ask(slot: number, claim: Claim, nowUs: number): void {
    const age = slot < 0 ? Infinity : this.#ageOf(slot, nowUs)
    if (age > steps || this.#counts[slot] === 0) {
      claim.isOk = claim.need <= claim.limit
      claim.remaining = claim.limit
      claim.retryUs = claim.resetUs = claim.isOk ? 0 : this.#stepUs * (steps + 1)
      return
    }
    const used = this.#used(slot, age)
    claim.isOk = used + claim.need <= claim.limit
    claim.remaining = Math.max(0, claim.limit - used)
    // At the least one is waited for, also where there is more than needed.
    const over = claim.isOk ? 0 : used + claim.need - claim.limit
    claim.resetUs = this.#freedAt(slot, Math.max(1, over), age) - nowUs
    claim.retryUs = claim.isOk ? 0 : claim.resetUs
  }

  /** A hit in the step of the one before: most are, of a key that is hit often. */
  take(slot: number, claim: Claim, nowUs: number): boolean {
    const endUs = (this.#newest[slot]! + 1) * this.#stepUs
    if (nowUs >= endUs) return false
    if (this.#rowOf[slot] !== 0) return this.#takeOfRow(slot, claim, nowUs)
    const used = this.#counts[slot]! + claim.need
    if (used > claim.limit) return false
    this.#counts[slot] = used
    claim.remaining = claim.limit - used
    claim.resetUs = endUs + this.#windowUs - nowUs
    return true
  }

  #takeOfRow(slot: number, claim: Claim, nowUs: number): boolean {
    const back = this.#back
    const place = slot % lookedBack
    const at = place * 3
    if (back[at] !== slot || back[at + 1] !== this.#newest[slot]) this.#lookBack(slot, place)
    const count = this.#counts[slot]! + claim.need
    const used = count + this.#backCounts[place]!
    if (used > claim.limit) return false
    this.#counts[slot] = count
    claim.remaining = claim.limit - used
    claim.resetUs = back[at + 2]! - nowUs
    return true
  }

  charge(slot: number, claim: Claim, nowUs: number): void {
    const age = this.#ageOf(slot, nowUs)
    if (age > 0) this.#begin(slot, this.#newest[slot]! + age)
    this.#counts[slot] = Math.min(this.#counts[slot]! + claim.charge, 0xffff_ffff)
    claim.remaining = Math.max(0, claim.limit - this.#used(slot, 0))
    claim.resetUs = this.#freedAt(slot, 1, 0) - nowUs
  }

  isOver(slot: number, nowUs: number): boolean {
    return this.#counts[slot] === 0 || this.#ageOf(slot, nowUs) > steps
  }

  /** How many steps ago the newest one was. */
  #ageOf(slot: number, nowUs: number): number {
    return Math.max(0, Math.floor(nowUs / this.#stepUs) - this.#newest[slot]!)
  }

  #used(slot: number, age: number): number {
    let used = this.#counts[slot]!
    if (this.#rowOf[slot] === 0) return used
    const row = (this.#rowOf[slot]! - 1) * steps
    let place = this.#newest[slot]! % steps
    for (let back = steps - age; back > 0; back--) {
      place = place === 0 ? steps - 1 : place - 1
      used += this.#rows[row + place]!
    }
    return used
  }

  /** When so many that count now, the oldest first, will have left the window; the end of all, if there are fewer. */
  #freedAt(slot: number, count: number, age: number): number {
    const newest = this.#newest[slot]!
    if (this.#rowOf[slot] === 0) return (newest + steps + 1) * this.#stepUs
    const row = (this.#rowOf[slot]! - 1) * steps
    let freed = 0
    for (let back = steps - age; back > 0; back--) {
      freed += this.#rows[row + ((newest - back) % steps)]!
      if (freed >= count) return (newest - back + steps + 1) * this.#stepUs
    }
    return (newest + steps + 1) * this.#stepUs
  }

  /**
   * Sums up what lies before the newest step, once: it stays the same for as long as that lasts. Nor is it ever that of another key, which
   * has no row in the step in which it gets the slot.
   */
  #lookBack(slot: number, place: number): void {
    this.#back.set([slot, this.#newest[slot]!, this.#freedAt(slot, 1, 0)], place * 3)
    this.#backCounts[place] = Math.min(this.#used(slot, 0) - this.#counts[slot]!, 0xffff_ffff)
  }

  /** Moves on to a new step. */
  #begin(slot: number, step: number): void {
    const last = this.#newest[slot]!
    if (this.isOver(slot, step * this.#stepUs)) this.#dropRow(slot)
    else {
      if (this.#rowOf[slot] === 0) this.#rowOf[slot] = this.#newRow()
      const count = this.#counts[slot]!
      if (count > this.#most) this.#widenRows(count)
      const row = (this.#rowOf[slot]! - 1) * steps
      this.#rows[row + (last % steps)] = count
      for (let skipped = last + 1; skipped < step; skipped++) this.#rows[row + (skipped % steps)] = 0
    }
    this.#newest[slot] = step
    this.#counts[slot] = 0
  }

  #newRow(): number {
    const free = this.#freeRows.pop()
    if (free !== undefined) {
      this.#rows.fill(0, (free - 1) * steps, free * steps)
      return free
    }
    const row = ++this.#rowCount
    if (row * steps > this.#rows.length) {
      const length = Math.ceil(Math.max(64, row * 1.125)) * steps
      this.#rows = widened(this.#rows, this.#rows.constructor as new (length: number) => Uint32Array, length)
    }
    return row
  }

  #dropRow(slot: number): void {
    if (this.#rowOf[slot]! > 0) this.#freeRows.push(this.#rowOf[slot]!)
    this.#rowOf[slot] = 0
  }

  #widenRows(count: number): void {
    this.#most = count > 0xffff ? 0xffff_ffff : 0xffff
    this.#rows = count > 0xffff ? widened(this.#rows, Uint32Array) : widened(this.#rows, Uint16Array)
  }
}
