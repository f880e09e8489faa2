import { BlockedKeys } from './blocked.js'
import { Breaker } from './breaker.js'
import type { Bucket } from './bucket.js'
import type { Claim } from './claim.js'
import { MemoryStore } from './memory.js'
import { type RedisLike, RedisStore } from './redis.js'

/** met: it may pass. exceeded: a claim was not met. open, closed: nobody can tell, and so it passes, or does not. */
export type Outcome = 'met' | 'exceeded' | 'open' | 'closed'

/** What happens to a decision that Redis does not make. */
export type OnRedisError = 'local' | 'open' | 'closed'

export interface SharedOptions {
  client: RedisLike
  timeoutMs: number
  breaker: { failures: number; resetMs: number }
  onError: OnRedisError
  /** How many processes share the limits; each takes its part while Redis is away. */
  instances: number
  maxKeys: number
  maxBlocked: number
  onChange(isDegraded: boolean, error?: unknown): void
}

/** Counters in Redis, and what is done without it. */
export class SharedStore {
  readonly redis: RedisStore
  /** Of this process alone, for as long as Redis does not answer. */
  readonly local: MemoryStore
  readonly #blocked: BlockedKeys
  readonly #breaker: Breaker
  readonly #onError: OnRedisError
  readonly #instances: number
  /** Calls that failed or were given up, and decisions made without Redis, for whatever reason. */
  failures = 0
  fallbacks = 0
  /** Decisions that were known before Redis was asked. */
  known = 0

  constructor({ client, timeoutMs, breaker, onError, instances, maxKeys, maxBlocked, onChange }: SharedOptions) {
    this.redis = new RedisStore(client, timeoutMs)
    this.local = new MemoryStore(maxKeys)
    this.#blocked = new BlockedKeys(maxBlocked)
    this.#breaker = new Breaker(breaker, onChange)
    this.#onError = onError
    this.#instances = instances
  }

  get isDegraded(): boolean {
    return this.#breaker.isOpen
  }

  get blockedKeys(): number {
    return this.#blocked.size
  }

  decide(claims: readonly Claim[], done: (outcome: Outcome) => void): void {
    if (this.#blocked.fails(claims)) {
      this.known++
      done('exceeded')
      return
    }
    if (!this.#breaker.mayCall()) {
      done(this.#withoutRedis(claims))
      return
    }
    const askedMs = performance.now()
    this.redis.decide(claims, (error, isOk) => {
      if (error !== undefined) {
        this.failures++
        this.#breaker.fail(error)
        done(this.#withoutRedis(claims))
        return
      }
      this.#breaker.succeed()
      if (!isOk) this.#blocked.note(claims, askedMs)
      done(isOk ? 'met' : 'exceeded')
    })
  }

  /** Here at once, and in Redis if it answers. */
  reset(bucket: Bucket, key: string, done: (error?: unknown) => void): void {
    this.#blocked.forget(bucket.prefix, key)
    this.local.reset(bucket, key)
    if (this.#breaker.isOpen) {
      done(new Error('Redis does not answer'))
      return
    }
    this.redis.reset(bucket.prefix, key, done)
  }

  start(): void {
    this.local.start()
  }

  stop(): void {
    this.local.stop()
    this.redis.stop()
    this.#blocked.clear()
  }

  #withoutRedis(claims: readonly Claim[]): Outcome {
    this.fallbacks++
    if (this.#onError !== 'local') return this.#onError
    for (const claim of claims) {
      // At least one, or a limit below the number of processes would stop everything.
      claim.limit = Math.max(1, Math.floor(claim.limit / this.#instances))
      claim.burst = Math.max(1, Math.floor(claim.burst / this.#instances))
    }
    return this.local.decide(claims) ? 'met' : 'exceeded'
  }
}
