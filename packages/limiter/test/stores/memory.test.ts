import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { Claim } from '../../src/stores/claim.js'
import { compactKey } from '../../src/stores/compact-key.js'
import { MemoryStore, monotonicUs } from '../../src/stores/memory.js'
import { bucketOf, claimOf, contract, Duel, seeded } from './contract.js'

/** As requests do: one claim alone is tried at once, and decided if that does not meet it. */
function decide(store: MemoryStore, claims: readonly Claim[]): boolean {
  const [first, ...others] = claims
  return (others.length === 0 && takes(store, first!)) || store.decide(claims)
}

function takes(store: MemoryStore, claim: Claim): boolean {
  const { bucket, key, limit, burst, need, charge, isShadow } = claim
  if (isShadow || need !== charge) return false
  const hit = { policy: { bucket, limit, burst, cost: need, isShadow }, key, remaining: -1, resetUs: -1 }
  const table = store.tableOf(bucket)
  const slot = table.find(key)
  const isTaken = slot !== undefined && table.take(slot, hit, table.now())
  if (isTaken) Object.assign(claim, { remaining: hit.remaining, resetUs: hit.resetUs })
  return isTaken
}

function startMemory(maxKeys = 1_000) {
  let nowUs = 1_000_000
  const store = new MemoryStore(maxKeys, () => nowUs)
  return {
    store,
    decide: async (claims: readonly Claim[]) => decide(store, claims),
    nowUs: () => nowUs,
    pass: async (us: number) => {
      nowUs += Math.max(0, Math.ceil(us))
    },
  }
}

contract(t, 'memory', async () => startMemory(), { windowMs: 1_000, windows: 10, everyUs: 1_003 })

t.test('11. memory: 10,000 random runs decide as the model does', async (t) => {
  for (let seed = 1; seed <= 10_000; seed++) {
    const random = seeded(seed)
    const { store, nowUs, pass } = startMemory()
    const duel = new Duel(random, () => [1, 10, 50][Math.floor(random() * 3)]!)
    for (let step = 0; step < 40; step++) {
      await pass(random() < 0.3 ? 0 : random() * random() * 40_000)
      const difference = await duel.step(async (claims) => [decide(store, claims), nowUs()])
      if (difference) return t.fail(`seed ${seed}: ${JSON.stringify(difference)}`)
    }
  }
  t.pass()
})

t.test('memory: what is met at once is answered as a decision is', async (t) => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = seeded(seed)
    const { store, pass, nowUs } = startMemory()
    const other = new MemoryStore(1_000, nowUs)
    const bucket = bucketOf((['sliding', 'gcra', 'fixed'] as const)[seed % 3]!, 20)
    for (let step = 0; step < 60; step++) {
      await pass(random() < 0.3 ? 0 : random() * random() * 8_000)
      const answer = (decide: (claims: Claim[]) => boolean) => {
        const claim = claimOf(bucket, 12, 'a', { burst: 6, cost: 1 + (step % 2) })
        return { isOk: decide([claim]), remaining: claim.remaining, resetUs: claim.resetUs, retryUs: claim.retryUs }
      }
      const found = [answer((claims) => decide(store, claims)), answer((claims) => other.decide(claims))]
      if (!isDeepStrictEqual(found[0], found[1])) return t.fail(`seed ${seed}, step ${step}: ${JSON.stringify(found)}`)
    }
  }
  t.pass()
})

t.test('memory: sliding tells when the oldest that counts leaves', async (t) => {
  let nowUs = 100_500_000
  const store = new MemoryStore(10, () => nowUs)
  const bucket = bucketOf('sliding', 20_000)
  const endsAt = (seconds: number) => {
    nowUs = 100_500_000 + seconds * 1_000_000
    const claim = claimOf(bucket, 20)
    t.ok(decide(store, [claim]))
    return (nowUs + claim.resetUs) / 1_000_000
  }
  for (const seconds of [0, 0, 5, 7, 11, 11, 18, 20]) t.equal(endsAt(seconds), 121, `${seconds} s later`)
  t.equal(endsAt(21), 126)
  t.equal(endsAt(25), 126)
  t.equal(endsAt(26), 128)
  t.equal(endsAt(60), 181)
})

t.test('memory: as soon as its clock begins', async (t) => {
  let nowUs = 0
  const store = new MemoryStore(10, () => nowUs)
  const bucket = bucketOf('sliding', 20_000)
  const ask = () => {
    const claim = claimOf(bucket, 3)
    store.decide([claim])
    return claim
  }
  ask()
  nowUs = 3_500_000
  ask()
  t.match(ask(), { isOk: true, remaining: 0, resetUs: 17_500_000 })
  t.match(ask(), { isOk: false, retryUs: 17_500_000 }, 'the first is over a step after its window')
})

t.test('memory: counts that outgrow a byte, then two', async (t) => {
  const { store, pass } = startMemory()
  const bucket = bucketOf('sliding', 20_000)
  const limit = 200_000
  let used = 0
  for (const cost of [200, 300, 70_000, 5]) {
    const claim = claimOf(bucket, limit, 'a', { cost })
    t.equal(store.decide([claim]), true)
    used += cost
    t.equal(claim.remaining, limit - used)
    await pass(1_000_000)
  }
})

t.test('memory: keys that are over are forgotten as new ones come, or by a sweep', async (t) => {
  const { store, pass } = startMemory(5_000)
  for (const algorithm of ['sliding', 'gcra', 'fixed'] as const) {
    const bucket = bucketOf(algorithm, 1_000)
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 400; i++) store.decide([claimOf(bucket, 1, `client-${round}-${i}`)])
      await pass(1_100_000)
    }
    t.ok(store.keys <= 1_000, `${algorithm}: ${store.keys} keys are left of 4,000`)
    store.sweep()
    store.sweep() // the first one goes on from where it was
    t.equal(store.keys, 0)
  }
  t.equal(store.evictions, 0)
})

t.test('memory: what comes too many takes the place of the oldest', async (t) => {
  const { store } = startMemory(500)
  const bucket = bucketOf('sliding', 1_000)
  for (let i = 0; i < 600; i++) store.decide([claimOf(bucket, 1, `10.0.${i >> 8}.${i & 255}`)])
  t.equal(store.keys, 500)
  t.equal(store.evictions, 100)
  t.equal(store.decide([claimOf(bucket, 1, '10.0.2.87')]), false, 'the newest is there')
  t.equal(store.decide([claimOf(bucket, 1, '10.0.0.0')]), true, 'the oldest was forgotten')
  store.reset(bucket, '10.0.2.87')
  t.equal(store.decide([claimOf(bucket, 1, '10.0.2.87')]), true)
})

t.test('11. memory: addresses are kept as numbers, one for each', async (t) => {
  const numbers = new Map<string | number, string>()
  const texts = [
    '0.0.0.0',
    '255.255.255.255',
    '127.0.0.1',
    '1.0.0.127',
    '12.3.4.5',
    '1.23.4.5',
    '123.4.5.6',
    '10.0.0.10',
  ]
  for (const text of texts) {
    const number = compactKey(text)
    t.type(number, 'number', text)
    t.equal(numbers.get(number), undefined)
    numbers.set(number, text)
  }
  for (const text of [
    '01.2.3.4',
    '1.2.3.04',
    '1.2.3',
    '1.2.3.4.5',
    '1..3.4',
    '256.1.1.1',
    '1.2.3.',
    '.1.2.3.4',
    '1.2.3.x',
    '1234567',
    '',
    '00.0.0.0',
  ])
    t.equal(compactKey(text), text)
})

t.test('whoever fakes process.hrtime in tests moves the clock', (t) => {
  t.intercept(process, 'hrtime', { value: () => [12, 345_678_999] })
  t.equal(monotonicUs(), 12_345_678)
  t.end()
})
