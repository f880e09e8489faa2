import { Redis } from 'ioredis'
import type { Cache, CacheOptions, Link } from './measure.js'

/** A GET and JSON, by hand. */
export async function start({ prefix, redisUrl = '', load }: CacheOptions): Promise<Cache> {
  const redis = new Redis(redisUrl, { enableAutoPipelining: true })
  return {
    async get(code) {
      const cached = await redis.get(prefix + code)
      if (cached !== null) return JSON.parse(cached) as Link
      const link = await load(code)
      await redis.set(prefix + code, JSON.stringify(link), 'PX', 60_000)
      return link
    },
  }
}
