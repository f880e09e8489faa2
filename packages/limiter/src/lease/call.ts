import type { Bucket } from '../stores/bucket.js'
import { keyOf, numbersOf, type RedisStore } from '../stores/redis.js'
import { leaseScript } from './script.js'

/** A lease that is over, and how many of its tokens nobody has spent; -1: none of them. */
export interface Ended {
  readonly id: number
  readonly unspent: number
  /** When Redis has forgotten it as well, at the latest, by the clock of this process. */
  readonly untilMs: number
}

/** What Redis is asked for one key. Its words are those of the script. */
export interface LeaseCall {
  readonly id: number
  readonly bucket: Bucket
  readonly key: string
  readonly limit: number
  readonly need: number
  readonly least: number
  readonly want: number
  readonly share: number
  readonly ended: readonly Ended[]
}

export interface LeaseAnswer {
  granted: number
  /** Of the limit, with what is granted. */
  used: number
  validUs: number
  retryUs: number
  resetUs: number
  /** By other leases, that may give some of it back. */
  held: number
}

/** Redis was left alone, since it does not answer: it is certain that nothing was granted. */
export const notAsked: Error = new Error('Redis does not answer; it is asked again later')

export type AskLease = (call: LeaseCall, done: (error: unknown, answer?: LeaseAnswer) => void) => void

/** Never twice the same: of all the instances that there may be, two are as good as certain to differ. */
export const newLeaseId = (): number => Math.floor(Math.random() * 2 ** 52)

export function askRedis(redis: RedisStore): AskLease {
  return ({ id, bucket, key, limit, need, least, want, share, ended }, done) => {
    const rest: (string | number)[] = [keyOf(bucket.prefix, key)]
    rest.push(bucket.algorithm, limit, bucket.windowUs, need, least, want, share, id)
    for (const { id, unspent } of ended) rest.push(id, unspent)
    redis.run(leaseScript, 1, rest, (error, answer) => done(error, error === undefined ? read(answer) : undefined))
  }
}

function read(answer: unknown): LeaseAnswer {
  const [granted = 0, used = 0, validUs = 0, retryUs = 0, resetUs = 0, held = 0] = numbersOf(answer)
  return { granted, used, validUs, retryUs, resetUs, held }
}
