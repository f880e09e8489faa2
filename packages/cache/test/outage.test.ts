import { startRedis, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { Core } from '../src/core.js'
import { type CacheOptions, createCache } from '../src/index.js'
import { client, share } from './open.js'

const l2TimeoutMs = 200

async function own(t: Test) {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  const { open, url, keyPrefix } = await share(t, redis)
  const options: CacheOptions = { l2TimeoutMs, l1: { leaseMs: 1_000 }, breaker: { failures: 3, openMs: 500 } }
  return { redis, url, keyPrefix, open: (more: CacheOptions = {}) => open({ ...options, ...more }) }
}

for (const fault of ['frozen', 'killed'] as const) {
  t.test(
    `7. Redis ${fault}: reads within l2TimeoutMs, from memory or the loader; the breaker opens, half-opens, closes`,
    async (t) => {
      const { redis, open } = await own(t)
      const cache = await open()
      const states: string[] = []
      const degraded: boolean[] = []
      cache.on('breaker', ({ state }) => states.push(state))
      cache.on('degraded', ({ isDegraded }) => degraded.push(isDegraded))
      await cache.getOrSet('known', () => 'known')
      if (fault === 'frozen') redis.freeze()
      else await redis.kill()
      t.equal(cache.peek('known'), 'known', 'memory answers until its lease ends')
      const took: number[] = []
      for (let i = 0; i < 20; i++) {
        const startMs = performance.now()
        t.equal(await cache.getOrSet(`key-${i}`, () => i), i)
        took.push(performance.now() - startMs)
      }
      const late = took.filter((ms) => ms >= l2TimeoutMs + 100)
      t.ok(late.length <= 1, `${late} ms: one may have met a stall of the machine`)
      t.ok(Math.max(...took) < 5 * l2TimeoutMs, `the slowest took ${Math.max(...took)} ms`)
      t.ok(took.slice(5).filter((ms) => ms > 50).length <= 2, 'once the breaker is open nobody waits')
      t.ok(states.includes('open'))
      await waitFor(async () => (await cache.getOrSet('known', () => 'loaded')) === 'loaded', {
        what: 'its lease running out',
      })
      await waitFor(async () => {
        await cache.getOrSet('probe', () => 1)
        return states.includes('half-open')
      })
      if (fault === 'frozen') redis.thaw()
      else await redis.restart()
      await waitFor(async () => {
        await cache.get(`any-${Math.random()}`)
        return states.at(-1) === 'closed' && degraded.at(-1) === false
      })
      t.equal(degraded[0], true)
      t.match(states.slice(0, 2), ['open', 'half-open'])
      t.equal(cache.stats().loadErrors, 0)
      await waitFor(async () => {
        await cache.getOrSet('known', () => 'again')
        return cache.peek('known') !== undefined
      })
    },
  )
}

t.test('7. a delete meanwhile is pending, and replayed when Redis is back', async (t) => {
  const { redis, open } = await own(t)
  const [a, b] = [await open(), await open()]
  await a.set('key', 'old')
  await a.set('tagged', 'old', { ttlMs: 60_000, tags: ['tag'] })
  t.equal(await b.get('key'), 'old')
  redis.freeze()
  const startMs = performance.now()
  t.same(await a.delete('key'), { pending: true })
  t.ok(performance.now() - startMs < 5 * l2TimeoutMs)
  t.same(await a.invalidateTags(['tag']), { pending: true })
  t.same(await a.set('written', 1), { pending: true })
  t.equal(a.stats().pending, 3)
  t.equal(await a.getOrSet('key', () => 'new'), 'new', 'here it holds at once')
  await t.rejects(a.delete('other', { confirm: true }), { code: 'ERR_CACHE_UNCONFIRMED', statusCode: 503 })
  redis.thaw()
  t.not(await a.getOrSet('key', () => 'new'), 'old')
  t.not(await a.getOrSet('tagged', () => 'new', { ttlMs: 60_000, tags: ['tag'] }), 'old')
  await waitFor(() => a.stats().pending === 0)
  await waitFor(async () => (await b.getOrSet('key', () => 'new')) === 'new', { timeoutMs: 5_000 })
  await waitFor(async () => (await b.getOrSet('tagged', () => 'new')) === 'new', { timeoutMs: 5_000 })
  const c = await open()
  t.not(await c.get('key'), 'old')
  t.equal(await c.get('written'), undefined, 'a write of unknown outcome is taken away')
})

t.test('7. too many pending deletes invalidate all', async (t) => {
  const { redis, open } = await own(t)
  const [a, b] = [await open(), await open()]
  await a.set('bystander', 1)
  const keys = Array.from({ length: 10_500 }, (_, i) => `key-${i}`)
  redis.freeze()
  t.same(await a.delete(keys), { pending: true })
  t.ok(a.stats().pending <= 1)
  redis.thaw()
  await waitFor(() => a.stats().pending === 0)
  await waitFor(async () => (await b.get('bystander')) === undefined)
  await a.set('bystander', 2)
  await waitFor(async () => (await b.get('bystander')) === 2)
})

t.test('7. whenDetached: serve answers from memory past the lease', async (t) => {
  const { redis, open } = await own(t)
  const [cache, strict] = [
    await open({ l1: { leaseMs: 500, whenDetached: 'serve' } }),
    await open({ l1: { leaseMs: 500 } }),
  ]
  await cache.getOrSet('key', () => 'old')
  await strict.getOrSet('key', () => 'old')
  redis.freeze()
  // The lease of both ended at about the same time, which is as long ago then as it lasted.
  await waitFor(() => strict.peek('key') === undefined)
  const endedMs = performance.now()
  await waitFor(() => performance.now() - endedMs > 1_000 || cache.peek('key') !== 'old')
  t.equal(cache.peek('key'), 'old')
  redis.thaw()
  await strict.delete('key')
  await waitFor(() => cache.peek('key') === undefined, { timeoutMs: 5_000 })
})

t.test('7. past the lease, where the loader fails too, memory answers within graceMs', async (t) => {
  const { redis, open } = await own(t)
  const cache = await open({ l1: { leaseMs: 500 } })
  const options = { ttlMs: 60_000, graceMs: 60_000, errorBackoffMs: 0 }
  await cache.getOrSet('key', () => 'old', options)
  redis.freeze()
  await waitFor(() => cache.peek('key') === undefined)
  t.equal(await cache.getOrSet('key', () => Promise.reject(new Error('down')), options), 'old')
  t.equal(await cache.getOrSet('key', () => 'new', options), 'new')
})

t.test('7. past the lease, with Redis at hand, memory answers nothing that Redis no longer has', async (t) => {
  const { open, url, keyPrefix } = await own(t)
  const [a, b] = [await open(), await open({ lock: { waitMs: 20 } })]
  const options = { ttlMs: 60_000, graceMs: 60_000 }
  await b.getOrSet('key', () => 'old', options)
  await client(t, url).del(`${keyPrefix}entry:key`) // as an invalidation that b has not heard of
  a.getOrSet('key', () => new Promise(() => {})).catch(() => {})
  await waitFor(() => a.stats().loads === 1)
  const { authority } = (b as unknown as { core: Core }).core
  Object.defineProperty(authority, 'leaseUntilMs', { get: () => 0, set: () => {} })
  t.equal(await b.getOrSet('key', () => 'new', options), 'new')
})

t.test('7. Redis that takes some commands and refuses others is one outage, said once', async (t) => {
  const { redis, open } = await own(t)
  const lines: string[] = []
  const line = (_: object, message: string) => lines.push(message)
  const cache = createCache({ redis: client(t, redis.url), defaults: { ttlMs: 60_000 } }, { info: line, warn: line })
  t.teardown(() => cache.close())
  await cache.ready()
  const admin = client(t, redis.url)
  await admin.config('SET', 'maxmemory', '1')
  for (let i = 0; i < 200; i++) t.equal(await cache.getOrSet(`key-${i}`, () => i), i)
  t.same(lines, ['the cache does without Redis, which fails'])
  const keys = Array.from({ length: 1_000 }, (_, i) => `key-${i}`)
  await t.rejects(cache.delete(keys, { confirm: true }), {
    code: 'ERR_CACHE_UNCONFIRMED',
    message: /^it is not confirmed that "key-0", "key-1", "key-2" and 997 more is invalidated, .*: OOM/,
  })
  await admin.config('SET', 'maxmemory', '0')
  await waitFor(async () => {
    await cache.get('key')
    return lines.length === 2
  })
  t.equal(lines[1], 'the cache has Redis again')
  await open()
})

t.test('7. a cache that starts without Redis makes its own connection quietly', async (t) => {
  const { redis, open } = await own(t)
  await redis.kill()
  const printed: unknown[] = []
  const { error } = console
  console.error = (...args) => printed.push(args)
  t.teardown(() => {
    console.error = error
  })
  await open()
  t.same(printed, [])
})

t.test('7. started without Redis, it works by the loader until Redis comes', async (t) => {
  const { redis, open } = await own(t)
  await redis.kill()
  const cache = await open()
  t.equal(await cache.getOrSet('key', () => 'loaded'), 'loaded')
  t.equal(cache.peek('key'), undefined, 'memory has no lease')
  await redis.restart()
  await waitFor(async () => {
    await cache.getOrSet('key', () => 'loaded')
    return cache.peek('key') === 'loaded'
  })
  t.equal(await (await open()).get('key'), 'loaded')
})
