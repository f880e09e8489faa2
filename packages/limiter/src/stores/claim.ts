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

  isOk = true
  remaining = 0
  /** Until what is needed would be there. */
  retryUs = 0
  /** Until there is more than now. */
  resetUs = 0
  /** Where memory has found the key. */
  slot = -1

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
  }
}
