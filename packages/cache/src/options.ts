import type { BreakerOptions } from './breaker.js'
import { checkEntryOptions, type EntryOptions } from './entry-options.js'
import type { RedisLike, SubscriberLike } from './redis-like.js'
import * as rules from './rules.js'
import { refuse, take, takeObject } from './rules.js'
import type { Serializer } from './serializer.js'

export interface L1Options {
  /** Default 10000. */
  maxEntries?: number
  /** An estimate of what the values take on the heap. Default no limit. */
  maxBytes?: number
  /**
   * How long this instance may answer from memory without word from Redis, from 500; who wants an invalidation confirmed waits that
   * long for one that is silent. Default 2000.
   */
  leaseMs?: number
  /**
   * What happens past the lease, while Redis can't be reached: `load` asks the loader, so that nobody is served what others may have
   * invalidated; `serve` answers from memory until `ttlMs`. Default `load`.
   */
  whenDetached?: 'load' | 'serve'
}

export interface LockOptions {
  /** Within how long others take over when the process that loads is gone. Default 5000. */
  ttlMs?: number
  /** How long others wait for its value before they load too. Default 5000. */
  waitMs?: number
}

export interface CacheOptions {
  /** Before all keys in Redis, without braces around nothing. Default `cache:`. */
  keyPrefix?: string
  /** A client of ioredis, or its Cluster. Without, the cache is this process' memory alone. */
  redis?: RedisLike
  /** A client for the backplane alone. Default `redis.duplicate()`, which the cache closes. */
  subscriber?: SubscriberLike
  /** Of the shape of the app's values: what was stored under another is a miss. Default none. */
  version?: string
  /** Memory in this process, or none. */
  l1?: L1Options | false
  /** Whether instances tell each other what is invalid, in memory or being loaded. Default: where there is `redis`. */
  backplane?: boolean
  /** How long Redis is waited for. Default 250. */
  l2TimeoutMs?: number
  breaker?: BreakerOptions | false
  /** One load of a key at a time among all processes. `false`: one in each process. */
  lock?: LockOptions | false
  /** Default JSON. */
  serializer?: Serializer
  /** Larger values are not sent to Redis, in bytes of their text. Default 1048576. */
  maxValueBytes?: number
  /** For all that `getOrSet` and the others are not told. */
  defaults?: EntryOptions
}

export interface ResolvedCacheOptions {
  keyPrefix: string
  redis: RedisLike | undefined
  subscriber: { subscriber: SubscriberLike; isOwn: boolean } | undefined
  version: string
  l1: { maxEntries: number; maxBytes: number | undefined; leaseMs: number; whenDetached: 'load' | 'serve' } | undefined
  /** Also where there is no memory: loads under way are shared as long. */
  leaseMs: number
  isTelling: boolean
  l2TimeoutMs: number
  breaker: Required<BreakerOptions> | undefined
  lock: Required<LockOptions> | undefined
  serializer: Serializer
  maxValueBytes: number
  defaults: EntryOptions
}

const keys = [
  'keyPrefix',
  'redis',
  'subscriber',
  'version',
  'l1',
  'backplane',
  'l2TimeoutMs',
  'breaker',
  'lock',
  'serializer',
  'maxValueBytes',
  'defaults',
]
const defaultLeaseMs = 2_000
const commands = ['get', 'mget', 'set', 'unlink', 'zmscore', 'evalsha', 'eval', 'publish'] as const

const prefix: rules.Rule = {
  must: 'a text without {}, and without an unclosed {',
  test: (value) => typeof value === 'string' && !value.includes('{}') && /^[^{]*(\{[^}]+\}.*)?$/s.test(value),
}
const client: rules.Rule = {
  must: `a client of ioredis: an object with ${commands.join(', ')}`,
  isSecret: true,
  test: (value) => hasMethods(value, commands),
}
const listener: rules.Rule = {
  must: 'a client of ioredis: an object with subscribe, unsubscribe, on, off and disconnect',
  isSecret: true,
  test: (value) => hasMethods(value, ['subscribe', 'unsubscribe', 'on', 'off', 'disconnect']),
}
const lease: rules.Rule = {
  must: `a number of milliseconds from 500 to ${rules.longestMs}`,
  test: (value) => rules.duration.test(value) && (value as number) >= 500,
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  const methods = value as Record<string, unknown> | null
  return typeof value === 'object' && methods !== null && names.every((name) => typeof methods[name] === 'function')
}

/**
 * @throws ERR_CACHE_OPTION
 * @throws ERR_CACHE_UNKNOWN_OPTION
 */
export function resolveOptions(options: CacheOptions): ResolvedCacheOptions {
  takeObject('the options', options, keys, '')
  const redis = take('redis', options.redis, client)
  const l1 = resolveL1(options.l1 ?? {})
  const isTelling = take('backplane', options.backplane, rules.flag, redis !== undefined)
  if (isTelling && !redis) refuse('backplane', 'false where there is no redis', isTelling)
  const resolved = {
    keyPrefix: take('keyPrefix', options.keyPrefix, prefix, 'cache:'),
    redis,
    version: take('version', options.version, rules.text, ''),
    l1,
    leaseMs: l1?.leaseMs ?? defaultLeaseMs,
    isTelling,
    l2TimeoutMs: take('l2TimeoutMs', options.l2TimeoutMs, rules.duration, 250),
    breaker: resolveBreaker(options.breaker ?? {}),
    lock: resolveLock(options.lock ?? {}),
    serializer: resolveSerializer(options.serializer ?? JSON),
    maxValueBytes: take('maxValueBytes', options.maxValueBytes, rules.count, 2 ** 20),
    defaults: checkEntryOptions(options.defaults ?? {}, 'defaults'),
  }
  // Last: it may open a connection, which nobody would close if another option were refused.
  return { ...resolved, subscriber: resolveSubscriber(options, redis, isTelling) }
}

function resolveSubscriber(
  { subscriber }: CacheOptions,
  redis: RedisLike | undefined,
  isTelling: boolean,
): ResolvedCacheOptions['subscriber'] {
  take('subscriber', subscriber, listener)
  if (!isTelling || !redis) {
    if (subscriber) rules.refuseSecret('subscriber', 'left out where there is no backplane', subscriber)
    return undefined
  }
  if (subscriber) {
    if ((subscriber as unknown) === redis)
      rules.refuseSecret('subscriber', 'a client of its own, not redis itself', subscriber)
    return { subscriber, isOwn: false }
  }
  if (!redis.duplicate) refuse('subscriber', 'given where redis has no duplicate()', subscriber)
  return { subscriber: redis.duplicate(), isOwn: true }
}

function resolveL1(l1: L1Options | false): ResolvedCacheOptions['l1'] {
  if (l1 === false) return undefined
  takeObject('l1', l1, ['maxEntries', 'maxBytes', 'leaseMs', 'whenDetached'])
  const { whenDetached = 'load' } = l1
  if (whenDetached !== 'load' && whenDetached !== 'serve') refuse('l1.whenDetached', "'load' or 'serve'", whenDetached)
  return {
    maxEntries: take('l1.maxEntries', l1.maxEntries, rules.count, 10_000),
    maxBytes: take('l1.maxBytes', l1.maxBytes, rules.count),
    leaseMs: take('l1.leaseMs', l1.leaseMs, lease, defaultLeaseMs),
    whenDetached,
  }
}

function resolveBreaker(breaker: BreakerOptions | false): Required<BreakerOptions> | undefined {
  if (breaker === false) return undefined
  takeObject('breaker', breaker, ['failures', 'openMs'])
  return {
    failures: take('breaker.failures', breaker.failures, rules.count, 5),
    openMs: take('breaker.openMs', breaker.openMs, rules.duration, 1_000),
  }
}

function resolveLock(lock: LockOptions | false): Required<LockOptions> | undefined {
  if (lock === false) return undefined
  takeObject('lock', lock, ['ttlMs', 'waitMs'])
  return {
    ttlMs: take('lock.ttlMs', lock.ttlMs, rules.duration, 5_000),
    waitMs: take('lock.waitMs', lock.waitMs, rules.durationOrZero, 5_000),
  }
}

function resolveSerializer(serializer: Serializer): Serializer {
  if (!hasMethods(serializer, ['stringify', 'parse']))
    refuse('serializer', 'an object with stringify and parse', serializer)
  return serializer
}
