import type { Bucket } from './bucket.js'

/** A need that is always met: what has happened is counted, whatever the limit. */
export const always = -4_294_967_296

/** What is asked of one counter, and then what it has answered. Times are whole microseconds. */
export class Claim<Policy = unknown> {
  /** What stores don't look at. */
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

  constructor(
    bucket: Bucket,
    key: string,
    limit: number,
    burst: number,
    cost: number,
    isShadow: boolean,
    policy: Policy,
  ) {
    this.policy = policy
    this.bucket = bucket
    this.key = key
    this.limit = limit
    this.burst = burst
    this.need = cost
    this.charge = cost
    this.isShadow = isShadow
    // Here, not with their declarations: that would be a function more to call, for each request.
    this.isOk = true
    this.remaining = 0
    this.retryUs = 0
    this.resetUs = 0
    this.slot = -1
  }
}
