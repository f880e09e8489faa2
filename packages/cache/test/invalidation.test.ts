import { startRedisCluster, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { Cache, EntryOptions } from '../src/index.js'
import { cluster, gate, opened, share } from './open.js'

type Open = () => Promise<Cache>

/** Ways to invalidate, with where and how what they invalidate is kept. */
const ways = {
  delete: { of: (cache: Cache) => cache, options: {}, invalidate: (cache: Cache) => cache.delete('key') },
  tags: {
    of: (cache: Cache) => cache,
    options: { tags: ['a', 'b'] },
    invalidate: (cache: Cache) => cache.invalidateTags(['b']),
  },
  namespace: {
    of: (cache: Cache) => cache.namespace('space'),
    options: {},
    invalidate: (cache: Cache) => cache.namespace('space').clear(),
  },
  'the whole': {
    of: (cache: Cache) => cache.namespace('other'),
    options: {},
    invalidate: (cache: Cache) => cache.clear(),
  },
}

async function check(t: Test, open: Open): Promise<void> {
  for (const [name, { of, options: how, invalidate }] of Object.entries(ways)) {
    const options: EntryOptions = { ttlMs: 60_000, ...how }
    await t.test(`${name}, on the instance itself`, async (t) => {
      const [a, other] = [await open(), await open()]
      let origin = 'old'
      const { opened, open: finish } = gate()
      const early = of(a).getOrSet(
        'key',
        async () => {
          const read = origin
          await opened
          return read
        },
        options,
      )
      await waitFor(() => a.stats().loads === 1)
      origin = 'new'
      const invalidated = invalidate(a)
      const next = of(a).getOrSet('key', () => origin, options) // not even awaiting the invalidation
      await invalidated
      const later = of(a).getOrSet('key', () => origin, options)
      finish()
      t.same([await early, await next, await later], ['old', 'new', 'new'])
      t.not(of(a).peek('key'), 'old')
      await waitFor(async () => a.stats().voidedLoads > 0)
      t.equal(await of(a).getOrSet('key', () => origin, options), 'new')
      t.equal(await of(other).getOrSet('key', () => origin, options), 'new', 'nor was it stored')
      await of(a).delete('key')
    })

    await t.test(`${name}, on another instance`, async (t) => {
      const [a, b, c] = [await open(), await open(), await open()]
      let origin = 'old'
      const { opened, open: finish } = gate()
      const early = of(b).getOrSet(
        'key',
        async () => {
          const read = origin
          await opened
          return read
        },
        options,
      )
      await waitFor(() => b.stats().loads === 1)
      origin = 'new'
      await invalidate(a)
      const doneMs = performance.now()
      finish()
      t.equal(await early, 'old', 'who asked before is answered')
      await waitFor(async () => (await of(b).getOrSet('key', () => origin, options)) === 'new')
      t.ok(performance.now() - doneMs < 1_100, 'reads are right within a second')
      t.equal(await of(c).getOrSet('key', () => origin, options), 'new', 'what began before was not stored')
      await of(a).delete('key')
    })
  }

  await t.test('what is written while a load runs is not overwritten by it', async (t) => {
    const [a, b] = [await open(), await open()]
    const { opened, open: finish } = gate()
    const early = b.getOrSet('written', async () => {
      await opened
      return 'loaded'
    })
    await waitFor(() => b.stats().loads === 1)
    await a.set('written', 'set')
    finish()
    await early
    t.equal(await a.get('written'), 'set')
    await waitFor(async () => (await b.get('written')) === 'set', { timeoutMs: 1_100 })
  })
}

t.test('1. an invalidation never loses against a load that began before it', async (t) => {
  await t.test('with Redis', async (t) => check(t, (await share(t)).open))
  await t.test('with a Cluster of three masters', async (t) => {
    const { nodes } = await startRedisCluster()
    const { keyPrefix } = await share(t)
    const urls = nodes.map(({ url }) => url)
    await check(t, () => opened(t, { keyPrefix, redis: cluster(t, urls) }))
  })
})

t.test('1. a token that is gone stores nothing, however late', async (t) => {
  const { open, url, keyPrefix } = await share(t)
  const [a, b] = [await open({ l1: false }), await open({ l1: false })]
  const { opened: released, open: release } = gate()
  const slow = a.getOrSet('key', async () => {
    await released
    return 'old'
  })
  await waitFor(() => a.stats().loads === 1)
  await b.delete('key')
  t.equal(await b.getOrSet('key', () => 'new'), 'new')
  const voided = new Promise((resolve) => a.on('load', resolve))
  release()
  await slow
  t.match(await voided, { stored: false })
  t.equal(await b.get('key'), 'new')
  t.ok(url && keyPrefix)
})

t.test('1. a loader may tag what it has found, and is overtaken by those tags too', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open(), await open()]
  const { opened: released, open: release } = gate()
  let origin = 'old'
  const load = async ({ set }: { set(options: EntryOptions): void }) => {
    const read = origin
    set({ tags: ['found'] })
    if (read === 'old') await released
    return read
  }
  const early = a.getOrSet('key', load)
  await waitFor(() => a.stats().loads === 1)
  origin = 'new'
  await a.invalidateTags(['found'])
  const joined = a.getOrSet('key', load)
  release()
  t.same([await early, await joined], ['old', 'new'])
  t.equal(await b.getOrSet('key', load), 'new')
})
