import type { Claim, Hit } from '../stores/claim.js'
import { type Counters, widened } from './counters.js'

/**
 * Into how many steps a window is divided. A step counts until all of it has left the window, so a hit counts for up to one
 * step longer than it must: `limit` may be reached once every 21 steps instead of 20, 95.2 % of it under steady excess.
 */
export const steps = 20

/** What there is of a slot, as four numbers side by side: a request finds all of it in one place of the memory. */
const size = 4
/** The number of the newest step that was hit, modulo 2^32, and how often it was. */
const newest = 0
const count = 1
/** What counts from before it. */
const before = 2
/** The number of its row, from 1, and how many steps before the newest the oldest is that counts; 0 is none. */
const row = 3
const rowShift = 5
const oldestMask = 31

const most = 0xffff_ffff

/** Never more than `limit` in any window. Steps before the newest lie in a row, which only a key has that was hit in several. */
export class SlidingCounters implements Counters {
  readonly #windowUs: number
  readonly #stepUs: number
  #slots = new Uint32Array(0)
  /** A step lies at its number modulo 20. They begin with small numbers, and become wider once a count does not fit. */
  #rows: Uint8Array | Uint16Array | Uint32Array = new Uint8Array(0)
  #mostOfRow = 0xff
  #rowCount = 0
  readonly #freeRows: number[] = []

  constructor(windowUs: number) {
    this.#windowUs = windowUs
    this.#stepUs = windowUs / steps
  }

  grow(slots: number): void {
    this.#slots = widened(this.#slots, Uint32Array, slots * size)
  }

  clear(slot: number): void {
    this.#dropRow(slot)
    this.#slots.fill(0, slot * size, (slot + 1) * size)
  }

  ask(slot: number, claim: Claim, nowUs: number): void {
    const step = Math.floor(nowUs / this.#stepUs)
    const age = slot < 0 ? most : this.#ageOf(slot, step)
    if (age > steps || this.#slots[slot * size + count] === 0) {
      claim.isOk = claim.need <= claim.limit
      claim.remaining = claim.limit
      claim.retryUs = claim.resetUs = claim.isOk ? 0 : this.#windowUs + this.#stepUs
      return
    }
    const used = this.#used(slot, step, age)
    claim.isOk = used + claim.need <= claim.limit
    claim.remaining = Math.max(0, claim.limit - used)
    // At the least one is waited for, also where there is more than needed.
    const over = claim.isOk ? 0 : used + claim.need - claim.limit
    claim.resetUs = this.#endUs(step - this.#freedBy(slot, Math.max(1, over), step, age)) - nowUs
    claim.retryUs = claim.isOk ? 0 : claim.resetUs
  }

  /** A hit in the step of the one before: most are, of a key that is hit often. */
  take(slot: number, hit: Hit, nowUs: number): boolean {
    const slots = this.#slots
    const at = slot * size
    const step = Math.floor(nowUs / this.#stepUs)
    if (slots[at + newest] !== step >>> 0) return false
    const { limit, cost } = hit.policy
    const hits = slots[at + count]! + cost
    const used = hits + slots[at + before]!
    if (used > limit) return false
    slots[at + count] = hits
    hit.remaining = limit - used
    hit.resetUs = this.#endUs(step - (slots[at + row]! & oldestMask)) - nowUs
    return true
  }

  charge(slot: number, claim: Claim, nowUs: number): void {
    const slots = this.#slots
    const at = slot * size
    const step = Math.floor(nowUs / this.#stepUs)
    const age = this.#ageOf(slot, step)
    if (age > 0) this.#begin(slot, step, age)
    slots[at + count] = Math.min(slots[at + count]! + claim.charge, most)
    claim.remaining = Math.max(0, claim.limit - slots[at + count]! - slots[at + before]!)
    claim.resetUs = this.#endUs(step - (slots[at + row]! & oldestMask)) - nowUs
  }

  isOver(slot: number, nowUs: number): boolean {
    return this.#slots[slot * size + count] === 0 || this.#ageOf(slot, Math.floor(nowUs / this.#stepUs)) > steps
  }

  /** How many steps ago the newest one was. */
  #ageOf(slot: number, step: number): number {
    return (step - this.#slots[slot * size + newest]!) >>> 0
  }

  /** When a step has left the window. */
  #endUs(step: number): number {
    return (step + 1) * this.#stepUs + this.#windowUs
  }

  #used(slot: number, step: number, age: number): number {
    let used = this.#slots[slot * size + count]!
    for (let back = steps; back > age; back--) used += this.#before(slot, step - back)
    return used
  }

  /** How many hits there were in a step before the newest. */
  #before(slot: number, step: number): number {
    const number = this.#slots[slot * size + row]! >>> rowShift
    return number === 0 || step < 0 ? 0 : this.#rows[(number - 1) * steps + (step % steps)]!
  }

  /** With the end of which step, told by how long ago it was, so many that count now will have left: the oldest go first. */
  #freedBy(slot: number, hits: number, step: number, age: number): number {
    let freed = 0
    for (let back = steps; back > age; back--) {
      freed += this.#before(slot, step - back)
      if (freed >= hits) return back
    }
    return age
  }

  /** Moves on to a new step, before which nothing changes any more: it is summed up here, once. */
  #begin(slot: number, step: number, age: number): void {
    const slots = this.#slots
    const at = slot * size
    if (slots[at + count] === 0 || age > steps) this.#dropRow(slot)
    else this.#store(slot, step, age)
    slots[at + newest] = step
    slots[at + count] = 0
    slots[at + before] = Math.min(this.#used(slot, step, 0), most)
    if (slots[at + row] !== 0) slots[at + row] = (slots[at + row]! & ~oldestMask) | this.#freedBy(slot, 1, step, 0)
  }

  /** Puts the newest step, and those since then in which there was nothing, behind the others of the row. */
  #store(slot: number, step: number, age: number): void {
    const slots = this.#slots
    const at = slot * size
    if (slots[at + row] === 0) slots[at + row] = this.#newRow() << rowShift
    if (slots[at + count]! > this.#mostOfRow) this.#widenRows(slots[at + count]!)
    const first = ((slots[at + row]! >>> rowShift) - 1) * steps
    this.#rows[first + ((step - age) % steps)] = slots[at + count]!
    for (let back = age - 1; back > 0; back--) this.#rows[first + ((step - back) % steps)] = 0
  }

  #newRow(): number {
    const free = this.#freeRows.pop()
    if (free !== undefined) {
      this.#rows.fill(0, (free - 1) * steps, free * steps)
      return free
    }
    const number = ++this.#rowCount
    if (number * steps > this.#rows.length) {
      const length = Math.ceil(Math.max(64, number * 1.125)) * steps
      this.#rows = widened(this.#rows, this.#rows.constructor as new (length: number) => Uint32Array, length)
    }
    return number
  }

  #dropRow(slot: number): void {
    const at = slot * size + row
    if (this.#slots[at] !== 0) this.#freeRows.push(this.#slots[at]! >>> rowShift)
    this.#slots[at] = 0
  }

  #widenRows(hits: number): void {
    this.#mostOfRow = hits > 0xffff ? most : 0xffff
    this.#rows = hits > 0xffff ? widened(this.#rows, Uint32Array) : widened(this.#rows, Uint16Array)
  }
}
