import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { opened, share } from './open.js'

t.test('9. memory stays under its cap over a million sets', async (t) => {
  const maxBytes = 20 * 2 ** 20
  const cache = await opened(t, { l1: { maxEntries: 1_000_000, maxBytes } })
  let largest = 0
  for (let i = 0; i < 1_000; i++) {
    await cache.setMany(Array.from({ length: 1_000 }, (_, j) => [`key-${i}-${j}`, { i, j, text: 'x'.repeat(j % 100) }]))
    largest = Math.max(largest, cache.stats().bytes)
  }
  t.ok(largest <= maxBytes, `${largest} bytes`)
  t.ok(largest > maxBytes * 0.9)
  t.ok(cache.stats().entries < 100_000)
  t.same(cache.peek('key-999-999'), { i: 999, j: 999, text: 'x'.repeat(99) }, 'the last is there')
  await cache.set('too large', 'x'.repeat(maxBytes))
  t.equal(cache.peek('too large'), undefined)
  t.ok(cache.stats().entries > 1_000, 'and has pushed out nothing')
})

t.test('9. the estimate is near to what the heap takes', async (t) => {
  const cache = await opened(t, { l1: { maxEntries: 100_000, maxBytes: 2 ** 30 } })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  await cache.setMany(
    Array.from({ length: 50_000 }, (_, i) => [
      `key-${i}`,
      { id: i, name: `name ${i}`, tags: ['a', 'b'], nested: { at: `${i}` } },
    ]),
  )
  collect()
  const tookBytes = process.memoryUsage().heapUsed - before
  const { bytes } = cache.stats()
  t.ok(bytes > tookBytes * 0.7 && bytes < tookBytes * 1.5, `${bytes} estimated, ${tookBytes} taken`)
})

t.test('9. what was read from Redis does not keep its text in memory beside the value', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open({ l1: false }), await open({ l2TimeoutMs: 5_000 })]
  const keys = Array.from({ length: 1_000 }, (_, i) => `key-${i}`)
  await a.setMany(keys.map((key) => [key, key.padEnd(20_000)]))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  t.equal((await b.getMany(keys)).size, 1_000)
  collect()
  const tookBytes = process.memoryUsage().heapUsed - before
  t.ok(tookBytes < 30e6, `20 MB of values took ${tookBytes} bytes`)
})

t.test('9. what is handed out can’t be changed, and is what Redis would give back', async (t) => {
  const { open } = await share(t)
  const caches = [await opened(t, {}), await open(), await open({ l1: false })]
  for (const cache of caches) {
    const given = { at: new Date(0), list: [1, { deep: true }], gone: undefined, not: Number.NaN }
    const back = { at: '1970-01-01T00:00:00.000Z', list: [1, { deep: true }], not: null }
    const first = await cache.getOrSet<unknown>('key', () => given)
    given.list.push(3)
    t.same(first, back)
    t.same(await cache.get('key'), back)
    t.notOk('gone' in (first as object))
    t.throws(() => Object.assign(first as object, { at: 1 }), TypeError)
    t.throws(() => (first as typeof given).list.push(4), TypeError)
    t.throws(() => Object.assign((first as typeof given).list[1] as object, { deep: false }), TypeError)
    t.same(await cache.getOrSet('key', () => 0), back)
    await cache.set('key', given)
    t.same(await cache.get('key'), { ...back, list: [1, { deep: true }, 3] })
    await cache.delete('key', { confirm: true }) // or the next one hears of it while it loads
  }
})
