import { defaultBurst } from '../algorithms/gcra.js'
import type { Bucket } from './bucket.js'

/** A need that is always met: what has happened is counted, whatever the limit. */
export const always = -4_294_967_296

/** What stores have to know of who makes a claim. */
export interface Claimant {
  readonly bucket: Bucket
  /** Default that of the limit. */
  readonly burst: number | undefined
  readonly isShadow: boolean
}

/** What is asked of one counter, and then what it has answered. Times are whole microseconds. */
export interface Claim<Policy extends Claimant = Claimant> {
  readonly policy: Policy
  readonly bucket: Bucket
  /** Whose counter of the bucket it is. */
  readonly key: string
  limit: number
  /** How many at once, by GCRA; others don't look at it. */
  burst: number
  /** What there must be room for. */
  need: number
  /** What is counted, if there is. */
  charge: number
  /** It is counted, but stops nothing. */
  readonly isShadow: boolean

  isOk: boolean
  remaining: number
  /** Until what is needed would be there. */
  retryUs: number
  /** Until there is more than now. */
  resetUs: number
  /** Where memory has found the key. */
  slot: number
}

/** Who asks for the same of every key. */
export interface PlainClaimant extends Claimant {
  readonly limit: number
  readonly burst: number
  readonly cost: number
}

/** A claim by one that is plain, as short as can be: what it has asked, the policy tells. */
export interface Hit<Policy extends PlainClaimant = PlainClaimant> {
  readonly policy: Policy
  readonly key: string
  remaining: number
  resetUs: number
}

/** What there is of a limit without asking anybody. */
export interface AtHand<Place = unknown> {
  /** Where that of a key is, if there is any. */
  find(key: string): Place | undefined
  now(): number
  /** Whether a hit is met by what is found in one step: it is counted and answered then. If not, nothing is changed, and a claim tells. */
  take(place: Place, hit: Hit, now: number): boolean
}

/** A claim that charges what it needs. All are made here, and by no class: a literal is less code for V8 to inline. */
export function claimOn<Policy extends Claimant>(
  policy: Policy,
  key: string,
  limit: number,
  cost: number,
): Claim<Policy> {
  return {
    policy,
    bucket: policy.bucket,
    key,
    limit,
    burst: policy.burst ?? defaultBurst(limit),
    need: cost,
    charge: cost,
    isShadow: policy.isShadow,
    isOk: true,
    remaining: 0,
    retryUs: 0,
    resetUs: 0,
    slot: -1,
  }
}
