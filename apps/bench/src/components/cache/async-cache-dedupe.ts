import { createCache } from 'async-cache-dedupe'
import { Redis } from 'ioredis'
import type { Cache, CacheOptions } from './measure.js'

export async function start({ prefix, redisUrl, load }: CacheOptions): Promise<Cache> {
  const cache = createCache({
    ttl: 60,
    storage: redisUrl
      ? { type: 'redis', options: { client: new Redis(redisUrl, { enableAutoPipelining: true }) } }
      : { type: 'memory', options: { size: 10_000 } },
  }).define(`${prefix}link`, load)
  const get = (cache as unknown as Record<string, (code: string) => Promise<never>>)[`${prefix}link`]!
  return { get: (code) => get(code) }
}
