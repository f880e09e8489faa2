import { startProxy, startRedis, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { Cache } from '../src/index.js'
import { client, gate, opened, share } from './open.js'

const boundMs = 1_000

/** Writes at one instance and reads at the other, until told to stop. Notes how long a read was wrong at most. */
function write(a: Cache, b: Cache) {
  let [isOn, round, wrongMs] = [true, 0, 0]
  const run = async () => {
    while (isOn) {
      const value = ++round
      await a.delete('key')
      const doneMs = performance.now()
      for (;;) {
        const read = (await b.getOrSet('key', () => round)) as number
        if (read >= value) break
        wrongMs = Math.max(wrongMs, performance.now() - doneMs)
        if (performance.now() - doneMs > 5 * boundMs) throw new Error(`${read} is still read after ${value}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const running = run()
  return {
    rounds: () => round,
    async stop() {
      isOn = false
      await running
      return wrongMs
    },
  }
}

async function goesOn(t: Test, a: Cache, b: Cache, fault: () => unknown, rounds = 100): Promise<void> {
  const writing = write(a, b)
  await waitFor(() => writing.rounds() > 20)
  await fault()
  const before = writing.rounds()
  await waitFor(() => writing.rounds() > before + rounds)
  const wrongMs = await writing.stop()
  t.ok(wrongMs < boundMs, `a read was wrong for ${wrongMs} ms`)
  t.ok(b.stats().flushes > 0, 'what it may have missed made its memory stale')
}

t.test('5. CLIENT KILL TYPE pubsub in mid-write', async (t) => {
  const own = await startRedis({ own: true })
  t.teardown(() => own.release())
  const { open } = await share(t, own)
  const admin = client(t, own.url)
  const [a, b] = [await open(), await open()]
  await goesOn(t, a, b, async () => t.ok(Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')) >= 2))
})

t.test('5. a cut subscriber connection in mid-write', async (t) => {
  const { open, url } = await share(t)
  const proxy = await startProxy(url)
  t.teardown(() => proxy.release())
  const [a, b] = [await open(), await open({ subscriber: client(t, proxy.through(url)) })]
  await goesOn(t, a, b, () => proxy.cut())
})

t.test('5. a half-open subscriber connection in mid-write', async (t) => {
  const { open, url } = await share(t)
  const proxy = await startProxy(url)
  t.teardown(() => proxy.release())
  const [a, b] = [await open(), await open({ subscriber: client(t, proxy.through(url)) })]
  await goesOn(t, a, b, () => proxy.halfOpen(), 20)
  await proxy.restore()
  const flushes = b.stats().flushes
  t.ok(flushes > 0)
  // A message takes one key away; what was missed takes all.
  await waitFor(
    async () => {
      for (const key of ['key', 'other']) await b.getOrSet(key, () => 1)
      await waitFor(() => b.peek('other') !== undefined || b.peek('key') === undefined)
      const before = b.stats().flushes
      await a.delete('other')
      await waitFor(() => b.peek('other') === undefined)
      return b.stats().flushes === before && b.peek('key') !== undefined
    },
    { what: 'messages coming by a new connection' },
  )
})

t.test('5. a subscriber that hears nothing at all for a while, and then what is old', async (t) => {
  const { open, url } = await share(t)
  const proxy = await startProxy(url)
  t.teardown(() => proxy.release())
  const [a, b] = [await open(), await open({ subscriber: client(t, proxy.through(url)) })]
  proxy.delay(700)
  await goesOn(t, a, b, () => {}, 20)
})

t.test('5. a clock that is 60 s off changes nothing', async (t) => {
  const { open } = await share(t)
  const real = Date.now
  t.teardown(() => {
    Date.now = real
  })
  const options = { ttlMs: 30_000, tags: ['tag'] }
  for (const offMs of [60_000, -60_000]) {
    const a = await open()
    Date.now = () => real() + offMs
    const b = await open()
    t.equal(await a.getOrSet('key', () => 1, options), 1)
    t.equal(await b.getOrSet('key', () => 2, options), 1, 'it is as fresh there')
    await b.invalidateTags(['tag'])
    t.equal(await b.getOrSet('key', () => 3, options), 3)
    await waitFor(async () => (await a.getOrSet('key', () => 4, options)) === 3)
    await a.invalidateTags(['tag'])
    t.equal(await a.getOrSet('key', () => 5, options), 5)
    await waitFor(async () => (await b.getOrSet('key', () => 6, options)) === 5)
    Date.now = real
    t.equal(await (await open()).getOrSet('key', () => 7, options), 5)
    await a.delete('key')
  }
})

t.test('5. stamps that Redis has lost invalidate, instead of bringing back what was invalid', async (t) => {
  const { open, url, keyPrefix } = await share(t)
  const a = await open()
  const options = { ttlMs: 60_000, tags: ['tag'] }
  await a.getOrSet('key', () => 'old', options)
  const admin = client(t, url)
  const text = await admin.get(`${keyPrefix}entry:key`)
  await a.invalidateTags(['tag'])
  await admin.set(`${keyPrefix}entry:key`, text!)
  const b = await open()
  t.equal(await b.get('key'), undefined)
  await admin.del(`${keyPrefix}{sync}:stamps`) // as an eviction does
  t.equal(await b.get('key'), undefined)
  t.equal(await (await open()).get('key'), undefined)
  await waitFor(async () => {
    t.equal(await a.getOrSet('key', () => 'new', options), 'new')
    return (await b.get('key')) === 'new'
  })
})

t.test('without a backplane, memory goes by its times, and tags hold in Redis', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open({ backplane: false }), await open({ backplane: false })]
  const options = { ttlMs: 60_000, l1TtlMs: 100, tags: ['tag'] }
  await a.getOrSet('key', () => 'old', options)
  t.equal(await b.getOrSet('key', () => 'other', options), 'old')
  await a.invalidateTags(['tag'])
  t.equal(await a.getOrSet('key', () => 'new', options), 'new')
  await waitFor(async () => (await b.getOrSet('key', () => 'newer', options)) === 'new')
})

t.test('without memory, no read joins a load that began before an invalidation elsewhere', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open({ l1: false }), await open({ l1: false })]
  const ways = {
    delete: () => a.delete('key', { confirm: true }),
    set: () => a.set('key', 'new'),
    tags: () => a.invalidateTags(['tag'], { confirm: true }),
    clear: () => a.clear({ confirm: true }),
  }
  for (const [name, invalidate] of Object.entries(ways)) {
    const { opened: released, open: release } = gate()
    const loads = b.stats().loads
    const options = { ttlMs: 60_000, tags: ['tag'] }
    const early = b.getOrSet('key', () => released.then(() => 'old'), options)
    await waitFor(() => b.stats().loads === loads + 1)
    await invalidate()
    await a.delete('other', { confirm: true }) // messages come in order
    let late: string | undefined
    b.getOrSet('key', () => 'new', options).then((value) => {
      late = value
    })
    await waitFor(() => late, { what: `a read after ${name}` })
    t.equal(late, 'new', name)
    release()
    t.equal(await early, 'old')
    await a.delete('key', { confirm: true })
  }
})

t.test('caches in different databases of one Redis leave each other alone', async (t) => {
  const { url, keyPrefix } = await share(t)
  const [a, b] = await Promise.all([1, 2].map((db) => opened(t, { keyPrefix, redis: client(t, `${url}/${db}`) })))
  await b!.set('key', 1)
  for (let i = 0; i < 20; i++) {
    await a!.delete('key', { confirm: true })
    t.equal(b!.peek('key'), 1)
  }
  t.equal(b!.stats().flushes, 0)
})
