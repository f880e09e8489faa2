import { waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { Cache, CacheOptions, Loader } from '../src/index.js'
import { gate, opened, share } from './open.js'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** In memory alone, in Redis alone, and in both. */
async function each(t: Test, check: (t: Test, open: () => Promise<Cache>) => Promise<void>): Promise<void> {
  const layers: [string, (t: Test) => Promise<CacheOptions>][] = [
    ['memory', async () => ({ redis: undefined }) as never],
    ['Redis', async () => ({ l1: false })],
    ['both', async () => ({})],
  ]
  for (const [name, options] of layers) {
    await t.test(name, async (t) => {
      const { open } = await share(t)
      const given = await options(t)
      await check(t, () => (name === 'memory' ? opened(t, {}) : open(given)))
    })
  }
}

t.test('4. origin down: stale values until graceMs ends, then the error', async (t) => {
  await each(t, async (t, open) => {
    const cache = await open()
    const options = { ttlMs: 200, graceMs: 1_500, errorBackoffMs: 20 }
    let loadedMs = 0
    const up = () => {
      loadedMs = performance.now()
      return 'old'
    }
    t.equal(await cache.getOrSet('key', up, options), 'old')
    const storedMs = performance.now()
    let runs = 0
    const down: Loader<string> = () => {
      runs++
      throw new Error('origin down')
    }
    for (;;) {
      const startMs = performance.now()
      const value = await cache.getOrSet('key', down, options).catch((error) => error)
      if (value !== 'old') {
        t.match(value, { message: 'origin down' })
        t.ok(performance.now() - loadedMs > 1_690, `${performance.now() - loadedMs} ms: not before it ends`)
        break
      }
      t.ok(startMs - storedMs < 1_750, `${startMs - storedMs} ms: not after it has ended`)
      await pause(50)
    }
    t.ok(runs > 3, 'it was tried again and again')
    t.ok(runs < 60)
    t.ok(cache.stats().staleHits > 10)
    await waitFor(async () => (await cache.getOrSet('key', () => 'new', options).catch(() => {})) === 'new')
  })
})

t.test('4. a slow loader: the stale value at softTimeoutMs, the fresh one afterwards', async (t) => {
  await each(t, async (t, open) => {
    const cache = await open()
    const options = { ttlMs: 50, graceMs: 60_000, softTimeoutMs: 100 }
    t.equal(await cache.getOrSet('key', () => 'old', options), 'old')
    await pause(80)
    const { opened: released, open: release } = gate()
    let loads = 0
    const slow = async () => {
      loads++
      await released
      return 'new'
    }
    const startMs = performance.now()
    t.same(await Promise.all([1, 2, 3].map(() => cache.getOrSet('key', slow, options))), ['old', 'old', 'old'])
    const tookMs = performance.now() - startMs
    t.ok(tookMs > 90 && tookMs < 500, `${tookMs} ms`)
    t.equal(await cache.getOrSet('key', slow, { ...options, softTimeoutMs: 0 }), 'old')
    release()
    await waitFor(async () => (await cache.getOrSet('key', slow, { ...options, ttlMs: 60_000 })) === 'new')
    t.ok(loads <= 2)
    t.equal(
      await cache.getOrSet('none', async () => pause(300).then(() => 'first'), options),
      'first',
      'nothing to serve',
    )
  })
})

t.test('4. a loader past hardTimeoutMs: the stale value or an error, and its signal aborts', async (t) => {
  await each(t, async (t, open) => {
    const cache = await open()
    const signals: AbortSignal[] = []
    const hangs: Loader<string> = ({ signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    const options = { ttlMs: 50, graceMs: 60_000, hardTimeoutMs: 100, errorBackoffMs: 0 }
    await t.rejects(cache.getOrSet('none', hangs, options), { code: 'ERR_CACHE_LOAD_TIMEOUT' })
    t.equal(await cache.getOrSet('key', () => 'old', options), 'old')
    await pause(80)
    t.equal(await cache.getOrSet('key', hangs, options), 'old')
    t.same(
      signals.map(({ aborted }) => aborted),
      [true, true],
    )
  })
})

t.test('4. what the loader no longer finds is not served stale', async (t) => {
  await each(t, async (t, open) => {
    const cache = await open()
    for (const softTimeoutMs of [60_000, 0, 20]) {
      const options = { ttlMs: 30, graceMs: 60_000, errorBackoffMs: 0, softTimeoutMs }
      const key = `key-${softTimeoutMs}`
      let [finds, loads] = [true, 0]
      const load = async () => {
        loads++
        await pause(40)
        return finds ? 'row' : undefined
      }
      t.equal(await cache.getOrSet(key, load, options), 'row')
      finds = false
      await waitFor(async () => (await cache.getOrSet(key, load, options)) === undefined)
      t.ok(loads < 10)
      const failed = cache.getOrSet(key, () => Promise.reject(new Error('down')), options)
      await t.rejects(failed, { message: 'down' }, 'it does not come back')
    }
  })
})

t.test('4. a refresh that fails keeps nobody from loading once the value has ended', async (t) => {
  await each(t, async (t, open) => {
    const cache = await open()
    const options = { ttlMs: 1_500, refreshAheadMs: 1_450, errorBackoffMs: 60_000 }
    await cache.getOrSet('key', () => 'old', options)
    const down = async () => {
      throw new Error('down')
    }
    await waitFor(async () => {
      t.equal(await cache.getOrSet('key', down, options), 'old')
      return cache.stats().loadErrors === 1
    })
    await waitFor(async () => (await cache.getOrSet('key', () => 'new', options)) === 'new')
  })
})

t.test('4. refreshAheadMs: over ten TTLs no request waits for a load', async (t) => {
  await each(t, async (t, open) => {
    const caches = [await open(), await open()]
    const options = { ttlMs: 600, refreshAheadMs: 400 }
    let [value, loads] = [0, 0]
    const load = async () => {
      loads++
      await pause(50)
      return ++value
    }
    for (const cache of caches) await cache.getOrSet('key', load, options)
    const first = caches.map((cache) => cache.stats().misses)
    const endMs = performance.now() + options.ttlMs * 10
    await Promise.all(
      caches.map(async (cache) => {
        while (performance.now() < endMs) {
          await Promise.all([1, 2, 3].map(() => cache.getOrSet('key', load, options)))
          await pause(2)
        }
      }),
    )
    t.same(
      caches.map((cache) => cache.stats().misses),
      first,
    )
    t.ok(loads >= 9, 'it was loaded anew')
    t.ok(loads < 70, `${loads} loads`)
    t.ok(caches.every((cache) => cache.stats().staleHits === 0))
  })
})

t.test('jitter cuts times, l1TtlMs those in memory', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open(), await open()]
  await a.set('key', 1, { ttlMs: 60_000, l1TtlMs: 50 })
  t.equal(a.peek('key'), 1)
  await waitFor(() => a.peek('key') === undefined)
  t.equal(await a.get('key'), 1)
  t.equal(await b.get('key'), 1)
  t.equal(b.peek('key'), 1)
  await waitFor(() => b.peek('key') === undefined, { what: 'l1TtlMs holding for who reads it from Redis too' })
  const alone = await opened(t, {})
  const keys = Array.from({ length: 50 }, (_, i) => `${i}`)
  await alone.setMany(
    keys.map((key) => [key, key]),
    { ttlMs: 1_000, jitter: 0.9 },
  )
  await waitFor(() => keys.some((key) => alone.peek(key) === undefined))
  t.ok(keys.some((key) => alone.peek(key) !== undefined))
})
