import { createCache } from '@steadfast/cache'
import { Redis } from 'ioredis'
import type { Cache, CacheOptions, Link } from './measure.js'

export async function start({ prefix, redisUrl, load, peeks = false }: CacheOptions): Promise<Cache> {
  const defaults = { ttlMs: 60_000 }
  const cache = redisUrl
    ? createCache({
        keyPrefix: prefix,
        redis: new Redis(redisUrl, { enableAutoPipelining: true }),
        l1: false,
        defaults,
      })
    : createCache({ defaults })
  await cache.ready()
  const get = (code: string) => cache.getOrSet(code, () => load(code))
  return { get: peeks ? (code) => cache.peek<Link>(code) ?? get(code) : get }
}
