import { startRedis, uniquePrefix } from '@steadfast/testing'
import * as ioredis from 'ioredis'
import * as ioredis5 from 'ioredis5'
import type { Test } from 'tap'
import { type Cache, type CacheOptions, createCache } from '../src/index.js'

/** The newest, or with IOREDIS=5 in the environment the one before. */
const { Cluster, Redis } = process.env.IOREDIS === '5' ? (ioredis5 as unknown as typeof ioredis) : ioredis

/** A client that the test's end closes. */
export function client(t: Test, url: string): ioredis.Redis {
  const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  return redis
}

export function cluster(t: Test, urls: string[]): ioredis.Cluster {
  const nodes = new Cluster(urls, { clusterRetryStrategy: () => 50, retryDelayOnFailover: 50 })
  nodes.on('error', () => {})
  t.teardown(() => nodes.disconnect())
  return nodes
}

/** Where a test's caches share their keys. */
export interface Shared {
  url: string
  keyPrefix: string
  /** One more instance, as in another process. */
  open(options?: CacheOptions): Promise<Cache>
}

/** On a Redis of all tests, or on the one that is given. */
export async function share(t: Test, { url }: { url?: string } = {}): Promise<Shared> {
  const address = url ?? (await startRedis()).url
  const keyPrefix = uniquePrefix('cache')
  return {
    url: address,
    keyPrefix,
    open: (options) => opened(t, { keyPrefix, redis: client(t, address), ...options }),
  }
}

export async function opened(t: Test, options: CacheOptions): Promise<Cache> {
  const cache = createCache({ defaults: { ttlMs: 60_000 }, ...options })
  t.teardown(() => cache.close())
  await cache.ready()
  return cache
}

/** Something that ends when it is told to. */
export function gate<T = void>(): { opened: Promise<T>; open: (value: T) => void } {
  let open: (value: T) => void = () => {}
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
