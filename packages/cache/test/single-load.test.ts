import { waitFor } from '@steadfast/testing'
import t from 'tap'
import { client, gate, opened, share } from './open.js'
import { fork } from './processes.js'

t.test('3. 20 concurrent misses in each of two processes are one load', async (t) => {
  const shared = await share(t)
  const origin = client(t, shared.url)
  const place = `${shared.keyPrefix}origin:`
  const [a, b] = await Promise.all([fork(t, shared), fork(t, shared)])
  await origin.set(`${place}slow`, '2')
  for (let round = 0; round < 5; round++) {
    const key = `key-${round}`
    await origin.set(place + key, 'value')
    const values = await Promise.all([a, b].map((one) => one.tell<string[]>({ do: 'stampede', key })))
    t.same(values.flat(), Array(40).fill('value'))
    t.equal(await origin.get(`${place}loads:${key}`), '1')
  }
})

t.test('3. a loader that fails runs once, and not again before errorBackoffMs', async (t) => {
  const shared = await share(t)
  const origin = client(t, shared.url)
  const place = `${shared.keyPrefix}origin:`
  const options = { defaults: { ttlMs: 60_000, errorBackoffMs: 3_000 } }
  const [a, b] = await Promise.all([fork(t, shared, options), fork(t, shared, options)])
  await origin.set(`${place}slow`, '2')
  await origin.set(`${place}key`, 'fails')
  const fail = async () =>
    (await Promise.all([a, b].map((one) => one.tell<string[]>({ do: 'stampede', key: 'key' })))).flat()
  const errors = await fail()
  const failedMs = performance.now()
  t.equal(errors.length, 40)
  for (const error of errors) t.match(error, /the origin fails|not tried again yet/)
  t.equal(errors.filter((error) => error.startsWith('ERR_CACHE_LOAD_FAILED')).length, 20, 'the other process is told')
  t.equal(await origin.get(`${place}loads:key`), '1')
  await fail()
  t.ok(performance.now() - failedMs < 2_800, 'the backoff is still on')
  t.equal(await origin.get(`${place}loads:key`), '1')
  await origin.set(`${place}key`, 'well')
  await waitFor(async () => (await b.tell({ do: 'read', key: 'key' })) === 'well')
  t.ok(performance.now() - failedMs > 2_800, 'it lasted')
  t.equal(await origin.get(`${place}loads:key`), '2')
})

t.test('3. the lock’s holder is killed: others take over within lock.ttlMs, and serve stale meanwhile', async (t) => {
  const shared = await share(t)
  const lock = { ttlMs: 2_000, waitMs: 10_000 }
  const holder = await fork(t, shared, { lock })
  const a = await shared.open({ lock, l1: false })
  const grace = { ttlMs: 50, graceMs: 60_000 }
  t.equal(await a.getOrSet('stale', () => 'old', grace), 'old')
  await waitFor(async () => (await a.get('stale')) === undefined)
  await holder.tell({ do: 'hang', key: 'stale' })
  await holder.tell({ do: 'hang', key: 'missing' })
  await waitFor(async () => (await holder.stats()).loads === 2)
  // Longer than the lock lasts without being renewed.
  const held = performance.now()
  await waitFor(async () => {
    t.equal(await a.getOrSet('stale', () => 'new', grace), 'old')
    return performance.now() - held > lock.ttlMs * 1.5
  })
  t.equal(a.stats().loads, 1, 'a holder that lives keeps its lock')
  holder.child.signal('SIGKILL')
  const killedMs = performance.now()
  const missing = a.getOrSet('missing', () => 'loaded').then((value) => ({ value, ms: performance.now() - killedMs }))
  await waitFor(
    async () => {
      const startMs = performance.now()
      const value = await a.getOrSet('stale', () => 'new', grace)
      if (value === 'old') t.ok(performance.now() - startMs < 900, 'nobody waits')
      return value === 'new'
    },
    { everyMs: 20 },
  )
  t.ok(performance.now() - killedMs < lock.ttlMs + 500)
  const { value, ms } = await missing
  t.equal(value, 'loaded')
  t.ok(ms < lock.ttlMs + 500, `${ms} ms`)
})

t.test('3. who has waited for lock.waitMs loads as well', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open(), await open({ lock: { waitMs: 100 } })]
  const hanging = a.getOrSet('key', () => new Promise<string>(() => {}), { hardTimeoutMs: 5_000 })
  hanging.catch(() => {})
  await waitFor(() => a.stats().loads === 1)
  const startMs = performance.now()
  t.equal(await b.getOrSet('key', () => 'mine'), 'mine')
  t.ok(performance.now() - startMs < 4_000)
  t.equal(await (await open()).get('key'), 'mine', 'and it may store what it has')
})

t.test('3. without a lock, one load in each process; without Redis, one in this', async (t) => {
  const { open } = await share(t)
  const caches = [await open({ lock: false }), await open({ lock: false })]
  const alone = await opened(t, {})
  const { opened: released, open: release } = gate()
  let loads = 0
  const load = async () => {
    loads++
    await released
    return loads
  }
  const all = [...caches, alone]
  const reads = all.flatMap((cache) => Array.from({ length: 20 }, () => cache.getOrSet('key', load)))
  await waitFor(() => all.every((cache) => cache.stats().loads === 1))
  await new Promise(setImmediate)
  release()
  await Promise.all(reads)
  t.equal(loads, 3)
})
