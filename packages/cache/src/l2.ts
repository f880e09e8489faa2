import type { Breaker } from './breaker.js'
import { Deadlines } from './deadline.js'
import { L2Error } from './errors.js'
import type { RedisNames } from './keys.js'
import type { RedisLike } from './redis-like.js'
import { begin, drop, giveUp, invalidate, keep, run, store } from './scripts.js'
import { slotsOf } from './slots.js'

/** How a load may begin. */
export type Grant =
  | { is: 'changed' }
  | { is: 'failed' }
  | { is: 'granted'; token: string }
  | { is: 'busy'; token: string }

type Done<T> = (error: unknown, result?: T) => void

const grants = ['changed', 'granted', 'busy', 'failed'] as const
/** What Redis says of one key, not of its own state. */
const ofTheKey = /^(WRONGTYPE|ERR)/
const leftAlone = new L2Error('Redis has failed and is left alone for a while')

/** Redis, asked for entries: each call has a deadline, and none is made while the breaker is open. */
export class L2 {
  readonly #redis: RedisLike
  readonly #names: RedisNames
  readonly #deadlines: Deadlines
  readonly #breaker: Breaker | undefined
  readonly #onError: (error: unknown) => void
  readonly #onSuccess: () => void

  constructor(options: {
    redis: RedisLike
    names: RedisNames
    timeoutMs: number
    breaker: Breaker | undefined
    onError: (error: unknown) => void
    onSuccess: () => void
  }) {
    this.#redis = options.redis
    this.#names = options.names
    this.#deadlines = new Deadlines(options.timeoutMs, (error) => this.#failed(error))
    this.#breaker = options.breaker
    this.#onError = options.onError
    this.#onSuccess = options.onSuccess
  }

  /** Calls back, for most reads end with it: a promise on the way would cost them more than all else that is done here. */
  get(key: string, done: Done<string | null>): void {
    if (this.#allows(done)) this.#await(this.#redis.get(this.#names.entry(key)), done)
  }

  /** In one round trip; on a Cluster in one for each slot, since it takes no more at once. */
  async getMany(keys: string[]): Promise<(string | null)[]> {
    const names = keys.map((key) => this.#names.entry(key))
    if (!this.#redis.isCluster) return this.#call(() => this.#redis.mget(...names))
    const found = new Map<string, string | null>()
    const prefix = this.#redis.options?.keyPrefix ?? ''
    const ask = async (slot: string[]) => {
      const texts = await this.#call(() => this.#redis.mget(...slot))
      texts.forEach((text, i) => void found.set(slot[i]!, text))
    }
    await Promise.all(slotsOf(names, prefix).map(ask))
    return names.map((name) => found.get(name) ?? null)
  }

  set(key: string, text: string, ms: number): Promise<unknown> {
    return this.#call(() => this.#redis.set(this.#names.entry(key), text, 'PX', Math.ceil(ms)))
  }

  delete(keys: string[]): Promise<unknown> {
    const names = keys.map((key) => this.#names.entry(key))
    if (!this.#redis.isCluster) return this.#call(() => this.#redis.unlink(...names))
    return Promise.all(names.map((name) => this.#call(() => this.#redis.unlink(name))))
  }

  async begin(key: string, seen: string, token: string, ms: number): Promise<Grant> {
    const [answer, holder] = (await this.#script(begin, key, [seen, token, ms])) as [number, string]
    const is = grants[answer]!
    return is === 'granted' || is === 'busy' ? { is, token: holder } : { is }
  }

  /** Whether it was stored: not, if anything has invalidated it since the load began. */
  async store(key: string, token: string, text: string, ms: number): Promise<boolean> {
    return (await this.#script(store, key, [token, text, Math.ceil(ms)])) === 1
  }

  keep(key: string, token: string, ms: number): Promise<unknown> {
    return this.#script(keep, key, [token, ms])
  }

  giveUp(key: string, token: string, backoffMs: number, reason: string): Promise<unknown> {
    return this.#script(giveUp, key, [token, Math.ceil(backoffMs), reason])
  }

  drop(key: string, token: string): Promise<unknown> {
    return this.#script(drop, key, [token])
  }

  stamps(members: string[]): Promise<(string | null)[]> {
    return this.#call(() => this.#redis.zmscore(this.#names.stamps, ...members))
  }

  /** The number of the invalidation, and if it is to be confirmed, instances and their milliseconds in turn. */
  async invalidate(args: (string | number)[]): Promise<string[]> {
    const keys = [this.#names.stamps, this.#names.instances]
    return (await this.#call(() => run(this.#redis, invalidate, keys, args))) as string[]
  }

  #script(script: typeof begin, key: string, args: (string | number)[]): Promise<unknown> {
    return this.#call(() => run(this.#redis, script, [this.#names.entry(key)], args))
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const done: Done<T> = (error, result) => (error ? reject(error) : resolve(result as T))
      if (this.#allows(done)) this.#await(work(), done)
    })
  }

  #allows(done: Done<never>): boolean {
    if (!this.#breaker || this.#breaker.allows()) return true
    done(leftAlone)
    return false
  }

  #await<T>(answer: Promise<T>, done: Done<T>): void {
    const waiting = this.#deadlines.add(done)
    answer.then(
      (result) => {
        if (!this.#deadlines.remove(waiting)) return
        this.#breaker?.succeeded()
        this.#onSuccess()
        done(undefined, result)
      },
      (error) => {
        if (!this.#deadlines.remove(waiting)) return
        this.#failed(error)
        done(error)
      },
    )
  }

  #failed(error: unknown): void {
    if (ofTheKey.test((error as Error)?.message)) this.#breaker?.succeeded()
    else this.#breaker?.failed()
    this.#onError(error)
  }
}
