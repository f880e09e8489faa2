import { checkLifecycle, checkMetricSources, checkQuiet } from '@steadfast/testing'
import latest, { type FastifyInstance } from 'fastify'
import type { Cluster, Redis } from 'ioredis'
import type { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import t from 'tap'
import cache, { type RedisLike, type SubscriberLike } from '../src/index.js'
import { client, share } from './open.js'

/** The newest, or by FASTIFY in the environment the oldest that there is support for, or one in which close() was different. */
const versions: Record<string, () => Promise<unknown>> = {
  oldest: () => import('fastify-oldest'),
  '5.10': () => import('fastify-5.10'),
}
const older = await versions[process.env.FASTIFY ?? '']?.()
const Fastify = older ? (older as { default: typeof latest }).default : latest

t.test('the contracts of docs/architecture.md', async (t) => {
  const { url, keyPrefix } = await share(t)
  await t.resolves(checkLifecycle((app) => app.register(cache)))
  await t.resolves(checkQuiet((app) => app.register(cache)))
  const redis = client(t, url)
  await t.resolves(checkLifecycle((app) => app.register(cache, { redis, keyPrefix })))
  await redis.ping()
  await t.resolves(checkQuiet((app) => app.register(cache, { redis, keyPrefix, backplane: false })))
})

t.test('metrics tell what stats() does', async (t) => {
  const { url, keyPrefix } = await share(t)
  const redis = client(t, url)
  const families = await checkMetricSources(
    (app) => app.register(cache, { redis, keyPrefix, defaults: { ttlMs: 60_000 } }),
    async (app: FastifyInstance) => {
      await app.cache.getOrSet('key', () => 1)
      await app.cache.getOrSet('key', () => 1)
    },
  )
  const value = (name: string) => families.find((family) => family.name === name)?.samples[0]?.value
  t.equal(value('cache_hits_total'), 1)
  t.equal(value('cache_misses_total'), 1)
  t.equal(value('cache_loads_total'), 1)
  t.equal(value('cache_entries'), 1)
  t.equal(value('cache_breaker_state'), 0)
})

t.test('app.cache, once for an app, and closed with it; the client stays open', async (t) => {
  const { url, keyPrefix } = await share(t)
  const redis = client(t, url)
  const app = Fastify()
  await app.register(cache, { redis, keyPrefix, defaults: { ttlMs: 60_000 } })
  const twice = Fastify()
  await twice.register(cache)
  twice.register(cache)
  await t.rejects(async () => twice.ready(), { code: 'ERR_CACHE_REGISTERED_TWICE' })
  await twice.close()
  app.get<{ Params: { id: string } }>('/:id', ({ params }) => app.cache.getOrSet(params.id, () => ({ id: params.id })))
  t.same((await app.inject('/7')).json(), { id: '7' })
  t.same((await app.inject('/7')).json(), { id: '7' })
  t.equal(app.cache.stats().loads, 1)
  await app.close()
  await t.rejects(app.cache.get('7'), { code: 'ERR_CACHE_CLOSED' })
  t.equal(await redis.ping(), 'PONG')
  t.equal(await redis.zcard(`${keyPrefix}{sync}:instances`), 0, 'nobody waits for it any more')
})

t.test('the real clients fit the types', async (t) => {
  const fits = (_: RedisLike[] | undefined, __: SubscriberLike[] | undefined) => t.pass()
  fits(
    undefined as [Redis, Cluster, Redis5, Cluster5] | undefined,
    undefined as [Redis, Cluster, Redis5, Cluster5] | undefined,
  )
})
