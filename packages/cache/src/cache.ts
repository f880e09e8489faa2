import type { EntryOptions } from './entry-options.js'
import type { CacheEvents } from './events.js'
import type { Loader } from './flight.js'
import type { InvalidateOptions, Outcome } from './invalidation.js'
import type { CacheStats } from './stats.js'

/** Reads and writes. Values are of JSON's domain, and frozen: all who ask for one are given the same. */
export interface Keyspace {
  /**
   * What is cached, or else what the loader brings, which is called once for all who ask meanwhile, in all processes.
   * @throws ERR_CACHE_KEY
   * @throws ERR_CACHE_OPTION
   * @throws ERR_CACHE_VALUE when the loader brings what JSON has no text for
   * @throws ERR_CACHE_LOAD_TIMEOUT at `hardTimeoutMs`
   * @throws ERR_CACHE_LOAD_FAILED when it has just failed in another process
   * @throws what the loader throws
   */
  getOrSet<T>(key: string, load: Loader<T>, options?: EntryOptions): Promise<T>
  /** What memory has and may answer now, without waiting; else undefined. */
  peek<T = unknown>(key: string): T | undefined
  /**
   * What memory or Redis has; else undefined.
   * @throws ERR_CACHE_KEY
   */
  get<T = unknown>(key: string): Promise<T | undefined>
  /**
   * All that is found, by key: a key that is not in it is a miss, one with undefined is known to have nothing. Redis is asked once;
   * of a Cluster, each slot.
   * @throws ERR_CACHE_KEY
   */
  getMany<T = unknown>(keys: readonly string[]): Promise<Map<string, T | undefined>>
  /**
   * @throws ERR_CACHE_KEY
   * @throws ERR_CACHE_OPTION
   * @throws ERR_CACHE_VALUE
   */
  set(key: string, value: unknown, options?: EntryOptions): Promise<Outcome>
  /** The same for many, told to other instances at once. */
  setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: EntryOptions): Promise<Outcome>
  /**
   * Invalidates keys, also what is being loaded under them now, in any process.
   * @throws ERR_CACHE_KEY
   * @throws ERR_CACHE_UNCONFIRMED when it is to be confirmed and Redis can't be reached
   */
  delete(keys: string | readonly string[], options?: InvalidateOptions): Promise<Outcome>
  /**
   * Invalidates all of the keyspace, by one number in Redis, however much it holds. What it held stays in Redis until its time ends.
   * @throws ERR_CACHE_UNCONFIRMED when it is to be confirmed and Redis can't be reached
   */
  clear(options?: InvalidateOptions): Promise<Outcome>
}

/** `app.cache` */
export interface Cache extends Keyspace {
  /**
   * Invalidates all that was stored under one of the tags, in every namespace.
   * @throws ERR_CACHE_OPTION
   * @throws ERR_CACHE_UNCONFIRMED when it is to be confirmed and Redis can't be reached
   */
  invalidateTags(tags: readonly string[], options?: InvalidateOptions): Promise<Outcome>
  /**
   * Keys of their own, which can be cleared together. `clear()` of the cache itself clears namespaces too.
   * @throws ERR_CACHE_OPTION
   */
  namespace(name: string): Keyspace
  stats(): CacheStats
  on<Name extends keyof CacheEvents>(event: Name, listener: (event: CacheEvents[Name]) => void): this
  off<Name extends keyof CacheEvents>(event: Name, listener: (event: CacheEvents[Name]) => void): this
  /** Resolves once other instances' invalidations are heard of, or Redis was waited for in vain. */
  ready(): Promise<void>
  /** Ends what is under way. Clients that were passed in stay open. */
  close(): Promise<void>
}
