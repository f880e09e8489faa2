import { Bans } from './bans/bans.js'
import type { PlainPolicy } from './claims.js'
import { decideWithSlots, isSlot } from './concurrency/slot-gate.js'
import { Slots, type SlotsOptions } from './concurrency/slots.js'
import { type DegradedEvent, Events } from './events.js'
import { Faults, type Log } from './faults.js'
import type { ResolvedLimiterOptions } from './options.js'
import { Places } from './scope.js'
import { Counts, type LimiterStats } from './stats.js'
import { type Bucket, Buckets } from './stores/bucket.js'
import type { AtHand, Claim } from './stores/claim.js'
import { MemoryStore } from './stores/memory.js'
import { type Outcome, SharedStore } from './stores/shared.js'
import { WaitingLines } from './waiting.js'

/** Keys that are known to be blocked, at most. */
const maxBlocked = 10_000

/** What all requests of a limiter share: its stores, its counters, its listeners. */
export class Engine {
  readonly options: ResolvedLimiterOptions
  readonly counts: Counts = new Counts()
  readonly events: Events
  readonly faults: Faults
  readonly places: Places
  readonly lines: WaitingLines = new WaitingLines()
  readonly slots: Slots
  readonly bans: Bans
  /** Whether bans hold on every instance. */
  sharesBans: boolean
  #isStarted = false
  /** Decides at once; undefined where Redis does. */
  readonly memory: MemoryStore | undefined
  readonly #shared: SharedStore | undefined

  constructor(options: ResolvedLimiterOptions, log: Log) {
    this.options = options
    this.sharesBans = options.bans || options.redis === undefined
    this.faults = new Faults(log, this.counts)
    this.events = new Events((error) => this.faults.report('a listener', error))
    this.places = new Places(new Buckets(options.keyPrefix), () => this.#shareBans())
    const { redis, redisTimeoutMs, breaker, onRedisError, instances, maxKeys } = options
    if (redis === undefined) this.memory = new MemoryStore(maxKeys)
    else {
      this.#shared = new SharedStore({
        client: redis,
        timeoutMs: redisTimeoutMs,
        breaker,
        onError: onRedisError,
        instances,
        maxKeys,
        maxBlocked,
        onChange: (isDegraded, error) => this.#tell({ isDegraded, error }, log),
      })
    }
    const shared = this.#shared
    const run: SlotsOptions['run'] =
      shared &&
      ((script, keyCount, rest, done) =>
        shared.tryRedis((answered) => shared.redis.run(script, keyCount, rest, answered), done))
    this.bans = new Bans({
      run,
      keyPrefix: options.keyPrefix,
      onBan: ({ policy, key, leftMs, offences }) =>
        this.events.emit('banned', { policy, key, banMs: Math.ceil(leftMs), offences }),
    })
    this.slots = new Slots({
      run,
      onError: onRedisError,
      instances,
    })
  }

  decide(claims: readonly Claim[], done: (outcome: Outcome) => void): void {
    for (let i = 0; i < claims.length; i++) {
      if (!isSlot(claims[i]!)) continue
      decideWithSlots(this.slots, claims, (rest, done) => this.#decide(rest, done), done)
      return
    }
    this.#decide(claims, done)
  }

  /** By what a hit of a policy may be met at once, if by anything. Where it is not, nothing is changed, and `decide` tells. */
  atHand({ bucket, cost }: PlainPolicy): AtHand | undefined {
    if (this.memory) return this.memory.tableOf(bucket)
    return bucket.lease && cost > 0 ? this.#shared!.leased.atHand(bucket) : undefined
  }

  #decide(claims: readonly Claim[], done: (outcome: Outcome) => void): void {
    if (this.memory) done(this.memory.decide(claims) ? 'met' : 'exceeded')
    else this.#shared!.decide(claims, done)
  }

  reset(bucket: Bucket, key: string, done: (error?: unknown) => void): void {
    if (this.memory) {
      this.memory.reset(bucket, key)
      done()
    } else this.#shared!.reset(bucket, key, done)
  }

  /** Resolves when the bans there are now are known, where Redis tells. */
  async start(): Promise<void> {
    this.memory?.start()
    this.#shared?.start()
    this.#isStarted = true
    if (this.sharesBans) await this.bans.start()
  }

  stop(): void {
    this.memory?.stop()
    this.#shared?.stop()
    this.lines.close()
    this.slots.stop()
    this.bans.stop()
  }

  /** A policy that bans may come with a route that is declared later. */
  #shareBans(): void {
    this.sharesBans = true
    if (this.#isStarted) void this.bans.start()
  }

  /** Gives back what is held of limits in Redis, as long as it can be asked. */
  async flush(): Promise<void> {
    await this.#shared?.leased.holder.returnAll()
  }

  stats(): LimiterStats {
    const { requests, exceeded, shadowed, delayed, faults } = this.counts
    const { keys, evictions } = this.memory ?? this.#shared!.local
    const stats = { requests: { ...requests }, exceeded: { ...exceeded }, shadowed: { ...shadowed } }
    const own = {
      ...stats,
      waiting: this.lines.size,
      slots: this.slots.size,
      bans: this.bans.table.active,
      delayed,
      faults,
      keys,
      evictions,
    }
    if (!this.#shared) return own
    const { redis, isDegraded, failures, fallbacks, known, blockedKeys, leased } = this.#shared
    const leases = leased.stats()
    return { ...own, redis: { isDegraded, calls: redis.calls, failures, fallbacks, known, blockedKeys, leases } }
  }

  /** Once each way. */
  #tell(event: DegradedEvent, log: Log): void {
    const { onRedisError } = this.options
    if (event.isDegraded) log.warn({ err: event.error }, `Redis does not answer; limits are ${inWords[onRedisError]}`)
    else log.info({}, 'Redis answers again; limits are shared')
    this.events.emit('degraded', event)
  }
}

const inWords = {
  local: 'kept by this process alone',
  open: 'not kept',
  closed: 'not checked, and requests that have one are refused',
}
