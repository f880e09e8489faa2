import { waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { Cache } from '../src/index.js'
import { gate, opened, share } from './open.js'

/** In memory alone, in Redis alone, and in both. */
async function each(t: Test, check: (t: Test, cache: Cache) => Promise<void>): Promise<void> {
  await t.test('memory', async (t) => check(t, await opened(t, {})))
  await t.test('Redis', async (t) => check(t, await (await share(t)).open({ l1: false })))
  await t.test('both', async (t) => check(t, await (await share(t)).open()))
}

t.test('what is set holds at once in this process, before the call resolves', async (t) => {
  await each(t, async (t, cache) => {
    for (const write of [
      (value: string) => cache.set('key', value),
      (value: string) => cache.setMany([['key', value]]),
    ]) {
      await cache.set('key', 'old')
      const writing = write('new')
      t.not(cache.peek('key'), 'old')
      const reads = [cache.get('key'), cache.getOrSet('key', () => 'loaded'), cache.getMany(['key'])] as const
      const [got, loaded, many] = await Promise.all(reads)
      t.same([got, loaded, many.get('key')], ['new', 'new', 'new'])
      t.same(await writing, { pending: false })
    }
    const { opened: released, open: release } = gate()
    const early = cache.getOrSet('loading', () => released.then(() => 'old'))
    await waitFor(() => cache.stats().loads === 1)
    const writing = cache.set('loading', 'new')
    const late = cache.getOrSet('loading', () => 'loaded')
    await writing
    t.equal(await late, 'new')
    release()
    t.equal(await early, 'old', 'who asked before is answered')
    t.equal(await cache.get('loading'), 'new')
  })
})

t.test('60,000 entries at once are all written, and none of them late', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open({ l2TimeoutMs: 1_000 }), await open()]
  const entries = Array.from({ length: 60_000 }, (_, i) => [`key-${i}`, { i }] as const)
  t.same(await a.setMany(entries), { pending: false })
  t.match(a.stats(), { l2Errors: 0, pending: 0 })
  t.same(await b.get('key-59999'), { i: 59_999 })
})

t.test('what is no list of pairs is refused', async (t) => {
  const cache = await opened(t, {})
  for (const entries of [null, undefined, { b: 5 }, 'ab', 5, [1], ['ab'], [['key']]]) {
    await t.rejects(cache.setMany(entries as never), {
      code: 'ERR_CACHE_OPTION',
      message: 'the entries must be a list',
    })
  }
  await cache.setMany(new Map([['key', 1]]))
  t.equal(cache.peek('key'), 1)
})
