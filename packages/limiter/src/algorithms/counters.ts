import type { Claim, Hit } from '../stores/claim.js'

/** What an algorithm keeps of the keys of one bucket, by the slot that each has. Times are whole microseconds. */
export interface Counters {
  /** Makes room for so many slots. */
  grow(slots: number): void
  /** Forgets what is in a slot. */
  clear(slot: number): void
  /** Answers a claim, and changes nothing. A slot below 0 is that of a key never seen. */
  ask(slot: number, claim: Claim, nowUs: number): void
  /** Whether it is met by what is found in one step: it is counted and answered then. If not, nothing is changed, and a claim tells. */
  take(slot: number, hit: Hit, nowUs: number): boolean
  /** Counts what the claim charges, and answers it anew. */
  charge(slot: number, claim: Claim, nowUs: number): void
  /** Whether a slot says no more than none would. */
  isOver(slot: number, nowUs: number): boolean
}

type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array | Int32Array

/** The same numbers, with room for more. */
export function widened<T extends Numbers>(
  numbers: Numbers,
  Kind: new (length: number) => T,
  length: number = numbers.length,
): T {
  const wide = new Kind(length)
  wide.set(numbers)
  return wide
}
