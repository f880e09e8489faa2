import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import type { Cache, CacheOptions } from './measure.js'

export async function start({ prefix, redisUrl, load }: CacheOptions): Promise<Cache> {
  const store = bentostore()
  if (redisUrl) store.useL2Layer(redisDriver({ connection: new Redis(redisUrl, { enableAutoPipelining: true }) }))
  else store.useL1Layer(memoryDriver({ maxItems: 10_000, serialize: false }))
  const bento = new BentoCache({ default: 'links', prefix, ttl: '1m', stores: { links: store } })
  return { get: (code) => bento.getOrSet({ key: code, factory: () => load(code) }) }
}
