import { waitFor } from '@steadfast/testing'
import t from 'tap'
import { opened, share } from './open.js'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

t.test('10. the hit ratio equals a scripted trace exactly', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open(), await open()]
  await a.getOrSet('x', () => 1) // miss
  await a.getOrSet('x', () => 1) // l1
  a.peek('x') // l1
  await a.get('x') // l1
  await b.getOrSet('x', () => 1) // l2
  await b.get('y') // miss
  b.peek('y') // miss
  await a.getMany(['x', 'y', 'z']) // l1, miss, miss
  await Promise.all(Array.from({ length: 5 }, () => a.getOrSet('w', async () => pause(10)))) // 5 misses, nothing kept
  await a.getOrSet('bad', () => Promise.reject(new Error('no'))).catch(() => {}) // miss
  await a.getOrSet('bad', () => 1).catch(() => {}) // miss: it has just failed
  const short = { ttlMs: 30, graceMs: 60_000, softTimeoutMs: 0 }
  await a.getOrSet('s', () => 1, short) // miss
  await pause(50)
  await a.getOrSet('s', () => pause(50), short) // stale
  await waitFor(() => a.stats().loads === 5, { what: 'the load behind the stale answer' })
  t.match(a.stats(), { l1Hits: 4, l2Hits: 0, staleHits: 1, misses: 11, loads: 5, loadErrors: 1 })
  t.match(b.stats(), { l1Hits: 0, l2Hits: 1, staleHits: 0, misses: 2, loads: 0 })
  t.equal(a.stats().hitRatio, 5 / 16)
  t.equal(b.stats().hitRatio, 1 / 3)
  const trace: string[] = []
  a.on('hit', ({ key, from }) => trace.push(`${from} ${key}`))
  a.on('miss', ({ key }) => trace.push(`miss ${key}`))
  await a.getOrSet('x', () => 1)
  await a.getOrSet('q', () => 1)
  await a.get('r')
  t.same(trace, ['l1 x', 'miss q', 'miss r'])
  t.equal((await opened(t, {})).stats().hitRatio, 0)
})

/** A small generator, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

t.test('10. 10,000 random operations over two instances against a model', async (t) => {
  const { open } = await share(t)
  const seed = Math.floor(Math.random() * 2 ** 31)
  const next = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!
  const caches = [await open(), await open()]
  const keys = ['a', 'b', 'c', 'd', 'e', 'f']
  const tagsOf = (key: string) => (key < 'c' ? ['low'] : key < 'e' ? ['high'] : [])
  /** The origin; a value is the number of its last change. */
  const origin = new Map(keys.map((key) => [key, 0]))
  /** When each key was last invalidated, by whom, and what was the oldest value right after it. */
  const settled = new Map<string, { by: number; atMs: number; least: number }>()
  let [stale, staleOnWriter, longestMs] = [0, 0, 0]
  const change = (key: string) => origin.set(key, origin.get(key)! + 1)
  const seal = (by: number, list: string[], least: number[]) =>
    list.forEach((key, i) => void settled.set(key, { by, atMs: performance.now(), least: least[i]! }))
  const check = (by: number, key: string, value: unknown, startMs: number) => {
    const last = settled.get(key)
    if (value === undefined || !last || (value as number) >= last.least) return
    if (last.by === by && startMs >= last.atMs) staleOnWriter++
    longestMs = Math.max(longestMs, startMs - last.atMs)
    if (startMs - last.atMs > 1_000) stale++
  }
  const invalidate = async (by: number, list: string[], work: () => Promise<unknown>) => {
    for (const key of list) change(key)
    const least = list.map((key) => origin.get(key)!)
    await work()
    seal(by, list, least)
  }
  for (let i = 0; i < 10_000; i++) {
    const by = next() < 0.5 ? 0 : 1
    const cache = caches[by]!
    const key = pick(keys)
    const options = { ttlMs: 60_000, tags: tagsOf(key) }
    const dice = next()
    const startMs = performance.now()
    if (dice < 0.6) check(by, key, await cache.getOrSet(key, () => origin.get(key)!, options), startMs)
    else if (dice < 0.75) check(by, key, cache.peek(key), startMs)
    else if (dice < 0.85) check(by, key, await cache.get(key), startMs)
    else if (dice < 0.91) await invalidate(by, [key], () => cache.delete(key))
    else if (dice < 0.94) await invalidate(by, [key], () => cache.set(key, origin.get(key)!, options))
    else if (dice < 0.97) {
      const tag = pick(['low', 'high'])
      await invalidate(
        by,
        keys.filter((one) => tagsOf(one).includes(tag)),
        () => cache.invalidateTags([tag]),
      )
    } else if (dice < 0.98) await invalidate(by, keys, () => cache.clear())
    else {
      // A load that an invalidation by the same instance overtakes.
      const slow = cache.getOrSet(
        key,
        async () => {
          const read = origin.get(key)!
          await pause(2)
          return read
        },
        options,
      )
      await invalidate(by, [key], () => cache.delete(key))
      await slow
    }
  }
  t.equal(staleOnWriter, 0, `none on who invalidated; seed ${seed}`)
  t.equal(stale, 0, `none elsewhere after the bound; the longest was ${longestMs} ms; seed ${seed}`)
  await waitFor(async () => {
    for (const key of keys) {
      for (const cache of caches)
        if ((await cache.getOrSet(key, () => origin.get(key)!)) !== origin.get(key)) return false
    }
    return true
  })
})
