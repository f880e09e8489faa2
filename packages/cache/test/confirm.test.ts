import { waitFor } from '@steadfast/testing'
import t from 'tap'
import { client, share } from './open.js'
import { fork } from './processes.js'

const leaseMs = 1_000
const l1 = { leaseMs }

t.test('2. confirmed invalidations: 1,500 rounds on two processes under load, none stale', async (t) => {
  const shared = await share(t)
  const a = await shared.open({ l1 })
  const b = await fork(t, shared, { l1 })
  const origin = client(t, shared.url)
  await origin.set(`${shared.keyPrefix}origin:key`, '0')
  await b.tell({ do: 'load', key: 'key' })
  let stale = 0
  let longestMs = 0
  for (let round = 1; round <= 1_500; round++) {
    await origin.set(`${shared.keyPrefix}origin:key`, `${round}`)
    const startMs = performance.now()
    await a.delete('key', { confirm: true })
    longestMs = Math.max(longestMs, performance.now() - startMs)
    const [peeked, read] = await Promise.all([
      b.tell<string | null>({ do: 'peek', key: 'key' }),
      b.tell<string>({ do: 'read', key: 'key' }),
    ])
    if ((peeked !== null && Number(peeked) < round) || Number(read) < round) stale++
  }
  t.equal(stale, 0)
  const stats = await b.stats()
  t.ok(stats.l1Hits > 1_500, 'the other answered from memory meanwhile')
  t.ok(longestMs < leaseMs * 5, `the slowest took ${longestMs} ms`)
})

t.test('2. a frozen peer delays it by its lease at most, and is not stale when it goes on', async (t) => {
  const shared = await share(t)
  const a = await shared.open({ l1 })
  const b = await fork(t, shared, { l1 })
  const origin = client(t, shared.url)
  const took: number[] = []
  for (let round = 1; round <= 3; round++) {
    await origin.set(`${shared.keyPrefix}origin:key`, `${round}`)
    await a.delete('key', { confirm: true })
    t.equal(await b.tell({ do: 'read', key: 'key' }), `${round}`)
    const inMemory = async () => {
      await b.tell({ do: 'read', key: 'key' })
      return (await b.tell({ do: 'peek', key: 'key' })) === `${round}`
    }
    await waitFor(inMemory, { what: 'its memory answering' })
    b.child.signal('SIGSTOP')
    const peeked = b.tell({ do: 'peek', key: 'key' }) // the first thing that it reads when it goes on
    await origin.set(`${shared.keyPrefix}origin:key`, 'new')
    const startMs = performance.now()
    await a.delete('key', { confirm: true })
    const tookMs = performance.now() - startMs
    t.ok(tookMs > 100, 'it can’t have answered')
    took.push(tookMs)
    t.ok(tookMs < leaseMs + 1_000, `took ${tookMs} ms`)
    const read = b.tell({ do: 'read', key: 'key' })
    b.child.signal('SIGCONT')
    t.equal(await peeked, null)
    t.equal(await read, 'new')
  }
  t.ok(Math.min(...took) < leaseMs + 100, `${took} ms: its lease, where nothing stalls`)
})

t.test('2. a dead peer delays it by its lease at most, and then no more', async (t) => {
  const shared = await share(t)
  const a = await shared.open({ l1 })
  const b = await fork(t, shared, { l1 })
  await a.set('key', 1)
  b.child.signal('SIGKILL')
  await b.child.exit
  const startMs = performance.now()
  await a.delete('key', { confirm: true })
  t.ok(performance.now() - startMs < leaseMs + 500)
  await waitFor(async () => {
    const againMs = performance.now()
    await a.invalidateTags(['tag'], { confirm: true })
    return performance.now() - againMs < 100
  })
  const c = await fork(t, shared, { l1 })
  await c.child.release()
})

t.test('2. an instance that closes is not waited for', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open({ l1: { leaseMs: 60_000 } }), await open({ l1: { leaseMs: 60_000 } })]
  await b.close()
  const startMs = performance.now()
  await a.delete('key', { confirm: true })
  t.ok(performance.now() - startMs < 1_000)
})
