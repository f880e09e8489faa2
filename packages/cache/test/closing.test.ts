import { getEventListeners } from 'node:events'
import { waitFor } from '@steadfast/testing'
import t from 'tap'
import type { Core } from '../src/core.js'
import { opened, share } from './open.js'

t.test('after close, an error with a code; what is under way ends', async (t) => {
  const { open } = await share(t)
  const cache = await open()
  await cache.set('known', 1)
  let signal: AbortSignal | undefined
  const hanging = cache.getOrSet('key', (context) => {
    signal = context.signal
    return new Promise(() => {})
  })
  await waitFor(() => signal)
  await Promise.all([t.rejects(hanging, { code: 'ERR_CACHE_CLOSED' }), cache.close()])
  t.equal(signal?.aborted, true)
  for (const work of [
    () => cache.getOrSet('known', () => 1),
    () => cache.get('known'),
    () => cache.set('key', 1),
    () => cache.delete('key'),
    () => cache.clear(),
    () => cache.invalidateTags(['tag']),
  ]) {
    await t.rejects(work, { code: 'ERR_CACHE_CLOSED' })
  }
  t.equal(cache.peek('known'), undefined)
  await cache.close()
})

t.test('what is still on its way to its loader when the cache closes ends too', async (t) => {
  const { open } = await share(t)
  for (const cache of [await open(), await open({ l1: false }), await opened(t, {})]) {
    const reads = [
      cache.getOrSet('aborts', ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject))),
      cache.getOrSet('ignores', () => new Promise((resolve) => setTimeout(resolve, 60_000, 'late').unref())),
    ]
    const deleted = cache.delete('ignores')
    const closed = cache.close()
    for (const read of reads) await t.rejects(read, { code: 'ERR_CACHE_CLOSED' })
    await Promise.all([deleted, closed])
  }
})

t.test('a load that the end of its process cuts off is another’s at once', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open(), await open()]
  const cut = a.getOrSet('key', () => new Promise(() => {}), { ttlMs: 60_000, errorBackoffMs: 60_000 })
  await waitFor(() => a.stats().loads === 1)
  await Promise.all([t.rejects(cut, { code: 'ERR_CACHE_CLOSED' }), a.close()])
  t.equal(await b.getOrSet('key', () => 'loaded'), 'loaded')
})

t.test('many loads at once are no leak, and neither are those that never end', async (t) => {
  const warnings: Error[] = []
  const hear = (warning: Error) => warnings.push(warning)
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))
  const cache = await opened(t, {})
  const options = { ttlMs: 1_000, hardTimeoutMs: 20, errorBackoffMs: 0 }
  const hanging = Array.from({ length: 100 }, (_, i) =>
    cache.getOrSet(`key-${i}`, () => new Promise(() => {}), options),
  )
  const { signal } = (cache as unknown as { core: Core }).core.closing
  t.equal(getEventListeners(signal, 'abort').length, 100)
  for (const read of hanging) await t.rejects(read, { code: 'ERR_CACHE_LOAD_TIMEOUT' })
  t.equal(getEventListeners(signal, 'abort').length, 0)
  t.same(warnings, [])
})

t.test('errors of the past are not kept', async (t) => {
  const cache = await opened(t, {})
  const { failures } = (cache as unknown as { core: Core }).core
  const fail = (i: number) => {
    const options = { ttlMs: 1_000, errorBackoffMs: 1 }
    return t.rejects(cache.getOrSet(`key-${i}`, () => Promise.reject(new Error('no')), options))
  }
  for (let i = 0; i < 2_000; i++)
    await cache
      .getOrSet(`key-${i}`, () => Promise.reject(new Error('no')), { ttlMs: 1_000, errorBackoffMs: 1 })
      .catch(() => {})
  await waitFor(async () => {
    await fail(2_000)
    return failures.size === 1
  })
})
