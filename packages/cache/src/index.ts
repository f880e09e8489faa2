import type { Cache } from './cache.js'

export type { BreakerOptions, BreakerState } from './breaker.js'
export type { Cache, Keyspace } from './cache.js'
export { createCache } from './create.js'
export type { EntryOptions } from './entry-options.js'
export type { CacheEvents } from './events.js'
export type { LoadContext, Loader } from './flight.js'
export type { InvalidateOptions, Outcome } from './invalidation.js'
export type { CacheOptions, L1Options, LockOptions } from './options.js'
export { default } from './plugin.js'
export type { RedisLike, SubscriberLike } from './redis-like.js'
export type { Serializer } from './serializer.js'
export type { CacheStats } from './stats.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The app's cache; by @steadfast/cache. */
    cache: Cache
  }
}
