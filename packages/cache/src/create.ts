import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { Acknowledgements } from './acknowledgements.js'
import { confirms, labelOf } from './arguments.js'
import { Breaker } from './breaker.js'
import type { Cache, Keyspace } from './cache.js'
import { pause } from './clock.js'
import type { Core } from './core.js'
import { Entries } from './entries.js'
import { EntryOptionsResolver } from './entry-options.js'
import { ClosedError } from './errors.js'
import { type CacheEvents, Events } from './events.js'
import { Failures } from './failures.js'
import { Flights } from './flights.js'
import { type InvalidateOptions, Invalidation, type Outcome } from './invalidation.js'
import { RedisNames } from './keys.js'
import { OneKeyspace } from './keyspace.js'
import { L2 } from './l2.js'
import { type Log, noLog } from './log.js'
import { Memory } from './memory.js'
import { type CacheOptions, type ResolvedCacheOptions, resolveOptions } from './options.js'
import { Outage } from './outage.js'
import { Pending } from './pending.js'
import { Reader } from './reader.js'
import { RedisClock } from './redis-clock.js'
import { name, names, refuse, take } from './rules.js'
import { Stamps } from './stamps.js'
import { type CacheStats, Counters, statsOf } from './stats.js'
import { Sync } from './sync.js'

/** What close() waits for at most. */
const closeMs = 1_000

/**
 * A cache without Fastify. Close it when it is no longer needed.
 * @throws ERR_CACHE_OPTION
 * @throws ERR_CACHE_UNKNOWN_OPTION
 */
export function createCache(options: CacheOptions = {}, log: Log = noLog): Cache {
  return new WholeCache(resolveOptions(options), log)
}

/** Puts the parts together. */
export class WholeCache extends OneKeyspace implements Cache {
  readonly #reader: Reader
  readonly #background: Set<Promise<unknown>>
  readonly #starting: Promise<void> | undefined
  readonly #breaker: Breaker | undefined

  constructor(options: ResolvedCacheOptions, log: Log) {
    const parts = assemble(options, log)
    const reader = new Reader(parts.core)
    super(parts.core, reader, parts.invalidation, '')
    this.#reader = reader
    this.#background = parts.background
    this.#breaker = parts.breaker
    this.#starting = parts.core.sync?.start()
  }

  async invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<Outcome> {
    if (this.core.closing.signal.aborted) throw new ClosedError()
    if (tags === undefined) refuse('tags', names.must, tags)
    take('tags', tags, names)
    const stamps = [...new Set(tags)].map((tag) => `t:${tag}`)
    return this.invalidation.invalidate({ keys: [], stamps }, confirms(options), () => labelOf('tags', tags))
  }

  namespace(space: string): Keyspace {
    if (space === undefined) refuse('the name of a namespace', name.must, space)
    take('the name of a namespace', space, name)
    return new OneKeyspace(this.core, this.#reader, this.invalidation, space)
  }

  stats(): CacheStats {
    const { counters, pending, memory } = this.core
    return statsOf(counters, { pending: pending.size, entries: memory?.size ?? 0, bytes: memory?.bytes ?? 0 })
  }

  get breakerState(): Breaker['state'] | undefined {
    return this.#breaker?.state
  }

  on<Name extends keyof CacheEvents>(event: Name, listener: (event: CacheEvents[Name]) => void): this {
    this.core.events.on(event, listener)
    return this
  }

  off<Name extends keyof CacheEvents>(event: Name, listener: (event: CacheEvents[Name]) => void): this {
    this.core.events.off(event, listener)
    return this
  }

  async ready(): Promise<void> {
    if (this.#starting) await Promise.race([this.#starting, pause(closeMs)])
  }

  async close(): Promise<void> {
    const { core } = this
    if (core.closing.signal.aborted) return
    core.closing.abort(new ClosedError())
    await Promise.race([Promise.allSettled([...this.#background]), pause(closeMs)])
    await core.sync?.stop()
    core.memory?.clear()
  }
}

function assemble(
  options: ResolvedCacheOptions,
  log: Log,
): { core: Core; invalidation: Invalidation; background: Set<Promise<unknown>>; breaker: Breaker | undefined } {
  const { redis, l1 } = options
  const instance = randomBytes(6).toString('base64url')
  const redisNames = new RedisNames(options.keyPrefix, redis?.options)
  const authority = { epoch: 0, leaseUntilMs: Infinity }
  const [counters, events, clock] = [new Counters(), new Events(log), new RedisClock()]
  const [flights, failures, pending] = [new Flights(), new Failures(), new Pending()]
  const [acknowledgements, background] = [new Acknowledgements(), new Set<Promise<unknown>>()]
  const stamps = new Stamps(authority)
  const memory = l1 && new Memory(l1, authority)
  const outage = new Outage(events, counters, log)
  const breaker = options.breaker && new Breaker(options.breaker, (state) => events.emit('breaker', { state }))
  const l2 =
    redis &&
    new L2({
      redis,
      names: redisNames,
      timeoutMs: options.l2TimeoutMs,
      breaker,
      onError: (error) => outage.failed(error),
      onSuccess: () => outage.succeeded(),
    })
  const sync =
    redis &&
    new Sync({
      redis,
      names: redisNames,
      instance,
      subscriber: options.subscriber,
      leaseMs: options.leaseMs,
      servesDetached: l1?.whenDetached === 'serve',
      timeoutMs: options.l2TimeoutMs,
      authority,
      stamps,
      clock,
      acknowledgements,
      onKey: (key) => invalidation.forget(key),
      onStamps(names) {
        flights.voidStamps(names)
        failures.clear()
      },
      onGap(reason) {
        counters.flushes++
        memory?.clear()
        flights.voidAll()
        failures.clear()
        stamps.forget(0)
        events.emit('flush', { reason })
      },
      onBeat: () => void invalidation.replay().catch(() => {}),
      onError: (error) => outage.failed(error),
    })
  let ownNumber = 1
  const closing = new AbortController()
  setMaxListeners(0, closing.signal) // one for each load
  const core: Core = {
    instance,
    memory,
    l2,
    sync,
    isTelling: options.isTelling,
    lock: options.lock,
    authority,
    stamps,
    entries: new Entries({ ...options, instance, clock, epoch: () => authority.epoch }),
    resolver: new EntryOptionsResolver(options.defaults),
    flights,
    failures,
    pending,
    counters,
    events,
    log,
    deleting: new Map(),
    closing,
    knownNumber: () => (sync ? sync.knownNumber : ownNumber),
    nextNumber: () => ++ownNumber,
    inBackground(work) {
      background.add(work)
      work.finally(() => background.delete(work)).catch(() => {})
    },
  }
  const invalidation = new Invalidation(core, redisNames, acknowledgements)
  return { core, invalidation, background, breaker }
}
