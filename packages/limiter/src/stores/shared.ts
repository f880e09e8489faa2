import { performance } from 'node:perf_hooks' // the global is a getter
import { askRedis, notAsked } from '../lease/call.js'
import { LeasedStore } from '../lease/leased-store.js'
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
  /** Tokens that this process has of limits in Redis. */
  readonly leased: LeasedStore
  readonly #blocked: BlockedKeys
  readonly #breaker: Breaker
  readonly #onError: OnRedisError
  readonly #instances: number
  /** Calls that failed or were given up, and decisions made without Redis, for whatever reason. */
  failures = 0
  fallbacks = 0
  /** Decisions that were known before Redis was asked. */
  #known = 0

  constructor({ client, timeoutMs, breaker, onError, instances, maxKeys, maxBlocked, onChange }: SharedOptions) {
    this.redis = new RedisStore(client, timeoutMs)
    this.local = new MemoryStore(maxKeys)
    this.#blocked = new BlockedKeys(maxBlocked)
    this.#breaker = new Breaker(breaker, onChange)
    this.#onError = onError
    this.#instances = instances
    const ask = askRedis(this.redis)
    this.leased = new LeasedStore({
      instances,
      nowMs: () => performance.now(),
      defer: setImmediate,
      ask: (call, done) => this.tryRedis((answered) => ask(call, answered), done),
      decide: (claims, done) => this.#decide(claims, done),
      decideWithout: (claims) => this.#withoutRedis(claims),
    })
  }

  get known(): number {
    return this.#known + this.leased.known
  }

  get isDegraded(): boolean {
    return this.#breaker.isOpen
  }

  get blockedKeys(): number {
    return this.#blocked.size
  }

  decide(claims: readonly Claim[], done: (outcome: Outcome) => void): void {
    for (let i = 0; i < claims.length; i++) {
      if (!claims[i]!.bucket.lease) continue
      this.leased.decide(claims, done)
      return
    }
    this.#decide(claims, done)
  }

  #decide(claims: readonly Claim[], done: (outcome: Outcome) => void): void {
    if (this.#blocked.fails(claims)) {
      this.#known++
      done('exceeded')
      return
    }
    const askedMs = performance.now()
    this.tryRedis<boolean>(
      (answered) => this.redis.decide(claims, answered),
      (error, isOk) => {
        if (error === undefined && !isOk) this.#blocked.note(claims, askedMs)
        done(error === undefined ? (isOk ? 'met' : 'exceeded') : this.#withoutRedis(claims))
      },
    )
  }

  /** Unless it is known not to answer. */
  tryRedis<T>(
    call: (answered: (error: unknown, answer?: T) => void) => void,
    done: (error: unknown, answer?: T) => void,
  ): void {
    if (!this.#breaker.mayCall()) {
      done(notAsked)
      return
    }
    call((error, answer) => {
      if (error === undefined) this.#breaker.succeed()
      else {
        this.failures++
        this.#breaker.fail(error)
      }
      done(error, answer)
    })
  }

  /** Here at once, and in Redis if it answers. */
  reset(bucket: Bucket, key: string, done: (error?: unknown) => void): void {
    this.#blocked.forget(bucket.prefix, key)
    this.leased.holder.forget({ bucket, key })
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
    this.leased.holder.stop()
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
