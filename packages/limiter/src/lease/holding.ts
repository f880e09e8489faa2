import type { Bucket } from '../stores/bucket.js'
import type { Ended, LeaseAnswer, LeaseCall } from './call.js'
import type { LeaseSettings } from './options.js'

/** Tokens that were taken from Redis, and count there as used. */
export interface Grant {
  readonly id: number
  /** How much of the limit was used once it was taken: it is no good for who has a lower limit. */
  readonly used: number
  /** Until when its tokens are good. */
  readonly untilMs: number
  unspent: number
}

/** Clocks differ by 0.05 % at most, which is what NTP may slew them by. */
const clockShare = 0.9995

/** Leases that are over and not told yet, at most; older ones count as spent. */
const mostEnded = 32

const longestDoublings = 5

/** What one process has of one key. Times are those of its own clock, which only goes forward. */
export class Holding {
  readonly bucket: Bucket
  readonly key: string
  grants: Grant[] = []
  /** What Redis is to be told with the next call. */
  ended: Ended[] = []
  /** When it was last asked for a token, and the limit that it then had. */
  lastMs = 0
  limit = 0
  /** Tokens spent since the last call, and when that was. */
  spent = 0
  #calledMs = -1
  /** Tokens spent in a millisecond, as of the last call; undefined before the second. */
  rate: number | undefined
  /** How many the last call was for, which bounds how fast they become more. */
  size = 0
  calls = 0
  isQueued = false
  /** Of the limit, as last told. */
  #used = 0
  #resetAtMs = 0
  #deniedUntilMs = 0
  #deniedNeed = 0
  #deniedLimit = 0
  #retryAtMs = 0
  #denials = 0
  #low = 0

  constructor(bucket: Bucket, key: string) {
    this.bucket = bucket
    this.key = key
  }

  /** @returns the lease that the tokens are of, if there is one that has so many */
  take(need: number, limit: number, nowMs: number): Grant | undefined {
    this.lastMs = nowMs
    this.limit = limit
    for (let i = 0; i < this.grants.length; i++) {
      const grant = this.grants[i]!
      if (grant.unspent < need || nowMs >= grant.untilMs || limit < grant.used) continue
      grant.unspent -= need
      this.spent += need
      return grant
    }
    return undefined
  }

  /** Whether `take` would find them. */
  has(need: number, limit: number, nowMs: number): boolean {
    return this.grants.some(({ unspent, untilMs, used }) => unspent >= need && nowMs < untilMs && limit >= used)
  }

  /** A call is made. */
  measure(nowMs: number): void {
    if (this.#calledMs >= 0) this.rate = this.spent / Math.max(1, nowMs - this.#calledMs)
    this.#calledMs = nowMs
    this.spent = 0
  }

  putBack(grant: Grant, need: number): void {
    if (this.grants.includes(grant)) grant.unspent += need
  }

  /** Whether it is time to ask for more, so that nobody has to wait: at the rate of now, what is there lasts no longer than that. */
  isLow(nowMs: number, lastsMs: number): boolean {
    if (this.calls > 0 || this.isDry(nowMs)) return false
    const unspent = this.unspent(nowMs)
    return unspent <= this.#low && (unspent - 1) * Math.max(1, nowMs - this.#calledMs) <= this.spent * lastsMs
  }

  unspent(nowMs: number): number {
    let sum = 0
    for (const { unspent, untilMs } of this.grants) if (nowMs < untilMs) sum += unspent
    return sum
  }

  /** Whether Redis has nothing more for now. */
  isDry(nowMs: number): boolean {
    return nowMs < this.#deniedUntilMs
  }

  isDenied(need: number, limit: number, nowMs: number): boolean {
    return this.isDry(nowMs) && need >= this.#deniedNeed && limit <= this.#deniedLimit
  }

  /** An estimate: others may have taken more. */
  remaining(limit: number, nowMs: number): number {
    return Math.max(0, limit - this.#used) + this.unspent(nowMs)
  }

  retryUs(nowMs: number): number {
    return Math.max(1, Math.ceil((this.#retryAtMs - nowMs) * 1_000))
  }

  resetUs(nowMs: number): number {
    return Math.max(0, Math.ceil((this.#resetAtMs - nowMs) * 1_000))
  }

  /** Puts aside leases that are spent or no good any more; with `all`, also those that are. */
  end(nowMs: number, all = false): void {
    const { windowUs, algorithm } = this.bucket
    const counted = algorithm === 'sliding' ? (windowUs / 1_000) * 1.05 : 0
    const isKept = ({ unspent, untilMs }: Grant) => !all && unspent > 0 && nowMs < untilMs
    if (this.ended.length === 0 && this.grants.every(isKept)) return
    const over = this.grants.filter((grant) => !isKept(grant))
    this.grants = this.grants.filter(isKept)
    const ended = over.map(({ id, unspent, untilMs }) => ({ id, unspent, untilMs: untilMs + counted }))
    this.ended = [...this.ended, ...ended].filter(({ untilMs }) => nowMs < untilMs).slice(-mostEnded)
  }

  /** @returns what the answer grants, for which there may be nobody */
  note(call: LeaseCall, answer: LeaseAnswer, sentMs: number, { denyForMs }: LeaseSettings): Grant | undefined {
    const { granted, used, validUs, retryUs, resetUs, held } = answer
    this.ended = this.ended.filter((each) => !call.ended.includes(each))
    this.#used = used
    this.#resetAtMs = sentMs + resetUs / 1_000
    const asked = call.need + call.want
    if (asked === 0) return undefined
    if (granted < Math.max(call.need, 1)) {
      // What others hold may come back, so it is worth while to ask again before the limit has room by itself.
      const againMs = denyForMs * 2 ** Math.min(this.#denials++, longestDoublings)
      this.#retryAtMs = sentMs + retryUs / 1_000
      this.#deniedUntilMs = held > 0 ? Math.min(this.#retryAtMs, sentMs + againMs) : this.#retryAtMs
      this.#deniedNeed = Math.max(0, call.limit - used) + 1
      this.#deniedLimit = call.limit
    } else this.#denials = this.#deniedUntilMs = 0
    if (granted === 0) return undefined
    const grant = { id: call.id, used, untilMs: sentMs + (validUs / 1_000) * clockShare, unspent: granted }
    this.#low = Math.floor(((granted - call.need) * 2) / 3)
    this.grants.push(grant)
    return grant
  }
}
