import { LRUCache } from 'lru-cache'
import type { Cache, CacheOptions, Link } from './measure.js'

export async function start({ load }: CacheOptions): Promise<Cache> {
  const cache = new LRUCache<string, Link>({ max: 10_000, ttl: 60_000, fetchMethod: load })
  return { get: (code) => cache.get(code) ?? cache.fetch(code) }
}
