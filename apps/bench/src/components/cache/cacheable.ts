import KeyvRedis from '@keyv/redis'
import { Cacheable, createKeyv } from 'cacheable'
import type { Cache, CacheOptions } from './measure.js'

/** Before Redis, its layer in memory holds a single value. */
export async function start({ prefix, redisUrl, load }: CacheOptions): Promise<Cache> {
  const cache = redisUrl
    ? new Cacheable({
        ttl: '1m',
        primary: createKeyv({ lruSize: 1 }),
        secondary: new KeyvRedis(redisUrl, { namespace: prefix }),
      })
    : new Cacheable({ ttl: '1m', primary: createKeyv({ lruSize: 10_000 }) })
  return { get: (code) => cache.getOrSet(code, () => load(code)) }
}
