import type { Test } from 'tap'
import { type Algorithm, type Bucket, Buckets } from '../../src/stores/bucket.js'
import { always, type Claim, claimOn } from '../../src/stores/claim.js'
import { type Asked, Model, mostInAnyWindow } from './model.js'

/** A store under test. Its time passes by itself, or as it is moved. */
export interface Tested {
  decide(claims: Claim[]): Promise<boolean>
  /** The time of the last decision (µs). */
  nowUs(): number
  /** Lets so much time pass. */
  pass(us: number): Promise<void>
}

const buckets = new Buckets('t:')
let count = 0

/** A bucket that nobody else has. */
export function bucketOf(algorithm: Algorithm, windowMs: number): Bucket {
  return buckets.of(algorithm, windowMs, [`${count++}`])
}

export function claimOf(
  bucket: Bucket,
  limit: number,
  key = 'a',
  { burst = limit, cost = 1, isShadow = false }: { burst?: number; cost?: number; isShadow?: boolean } = {},
): Claim {
  return claimOn({ bucket, burst, isShadow }, key, limit, cost)
}

/** The same promises for every store. `windowMs` is one that is long compared with a call. */
export function contract(
  t: Test,
  name: string,
  start: (t: Test) => Promise<Tested>,
  { windowMs, windows, everyUs }: { windowMs: number; windows: number; everyUs: number },
): void {
  const windowUs = windowMs * 1_000
  const shortUs = windowUs / 400
  /** Asks one by one for so many windows: when each was met, and for how long nobody asked, as a busy machine may have it. */
  async function excess(store: Tested, make: () => Claim, windows: number): Promise<{ met: number[]; lostUs: number }> {
    const met: number[] = []
    let lostUs = 0
    await store.decide([make()]).then((isOk) => isOk && met.push(store.nowUs()))
    const endUs = store.nowUs() + windows * windowUs
    for (let lastUs = store.nowUs(); lastUs < endUs; ) {
      if (everyUs > 0) await store.pass(everyUs)
      if (await store.decide([make()])) met.push(store.nowUs())
      lostUs += Math.max(0, store.nowUs() - lastUs - shortUs)
      lastUs = store.nowUs()
    }
    return { met, lostUs }
  }

  t.test(`1. ${name}: sliding is never above its limit in any window, nor far below under excess`, async (t) => {
    const store = await start(t)
    for (const limit of [1, 10, 60]) {
      const bucket = bucketOf('sliding', windowMs)
      const { met, lostUs } = await excess(store, () => claimOf(bucket, limit), windows)
      t.ok(mostInAnyWindow(met, windowUs) <= limit, `${mostInAnyWindow(met, windowUs)} of ${limit}`)
      t.ok(
        met.length >= 0.95 * limit * (windows - lostUs / windowUs),
        `${met.length} in ${windows} windows of ${limit}`,
      )
    }
  })

  t.test(`1. ${name}: gcra is never above burst + elapsed / T`, async (t) => {
    const store = await start(t)
    const bucket = bucketOf('gcra', windowMs)
    const [limit, burst] = [30, 4]
    const { met, lostUs } = await excess(store, () => claimOf(bucket, limit, 'a', { burst }), windows)
    const spaceUs = windowUs / limit
    met.forEach((fromUs, from) => {
      const wrong = met.findIndex((toUs, to) => to >= from && to - from + 1 > burst + (toUs - fromUs) / spaceUs)
      if (wrong >= 0) t.fail(`${wrong - from + 1} between ${fromUs} and ${met[wrong]} µs`)
    })
    t.ok(met.length >= 0.95 * limit * (windows - lostUs / windowUs), `${met.length} passed`)
  })

  t.test(`1. ${name}: fixed is never above its limit in a window of its own`, async (t) => {
    const store = await start(t)
    const bucket = bucketOf('fixed', windowMs)
    const limit = 20
    const { met, lostUs } = await excess(store, () => claimOf(bucket, limit), windows)
    let startUs = -Infinity
    let count = 0
    for (const atUs of met) {
      if (atUs >= startUs + windowUs) [startUs, count] = [atUs, 0]
      t.ok(++count <= limit)
    }
    t.ok(met.length >= 0.95 * limit * (windows - lostUs / windowUs), `${met.length} passed`)
  })

  t.test(`1. ${name}: 19 of a limit of 10 around the edge of a window, as fixed windows let pass`, async (t) => {
    const store = await start(t)
    // The trace of @fastify/rate-limit: one hit begins the window, nine stand at its end, and the rest just after it.
    const traceMs = 2_000
    const trace = async (algorithm: Algorithm): Promise<number> => {
      const bucket = bucketOf(algorithm, traceMs)
      const met: number[] = []
      const hit = async (count: number) => {
        for (let i = 0; i < count; i++) if (await store.decide([claimOf(bucket, 10)])) met.push(store.nowUs())
      }
      await hit(1)
      const endUs = store.nowUs() + traceMs * 1_000
      await store.pass(endUs - 110_000 - store.nowUs())
      await hit(12)
      // A machine that stalls here has not replayed it.
      if (store.nowUs() >= endUs) return trace(algorithm)
      await store.pass(endUs + 10_000 - store.nowUs())
      await hit(12)
      return mostInAnyWindow(met, traceMs * 1_000)
    }
    t.equal(await trace('fixed'), 19)
    t.ok((await trace('sliding')) <= 10)
  })

  t.test(`2. ${name}: several policies are charged all, or none`, async (t) => {
    const store = await start(t)
    const [a, b] = [bucketOf('fixed', 60_000), bucketOf('sliding', 60_000)]
    let claims: Claim[] = []
    for (let attempt = 0; attempt < 5; attempt++) {
      claims = [claimOf(a, 1), claimOf(b, 100)]
      t.equal(await store.decide(claims), attempt === 0)
    }
    t.equal(claims[0]?.isOk, false)
    t.equal(claims[1]?.isOk, true)
    t.equal(claims[1]?.remaining, 99, 'B has used 1')
    const shadow = [claimOf(a, 1, 'a', { isShadow: true }), claimOf(b, 100)]
    t.equal(await store.decide(shadow), true, 'a shadow policy stops nothing')
    t.equal(shadow[0]?.isOk, false)
    t.equal(shadow[1]?.remaining, 98)
  })

  t.test(`${name}: what it says of the time is right`, async (t) => {
    const store = await start(t)
    for (const algorithm of ['sliding', 'gcra', 'fixed'] as const) {
      const bucket = bucketOf(algorithm, windowMs)
      const ask = async (cost = 1) => {
        const claim = claimOf(bucket, 4, 'a', { cost })
        await store.decide([claim])
        return claim
      }
      t.equal((await ask(3)).remaining, 1, algorithm)
      await store.pass(windowUs / 10)
      t.equal((await ask()).remaining, 0)
      for (const cost of [1, 4]) {
        const early = await ask(cost)
        t.equal(early.isOk, false, `${algorithm} ${cost}`)
        t.ok(early.resetUs > 0 && early.resetUs <= early.retryUs)
        const atUs = store.nowUs() + early.retryUs
        await store.pass(early.retryUs - windowUs / 50)
        if (store.nowUs() < atUs - windowUs / 200) {
          const before = await ask(cost)
          t.equal(before.isOk || store.nowUs() >= atUs, store.nowUs() >= atUs, 'not before')
          if (before.isOk) continue
        }
        await store.pass(atUs - store.nowUs())
        t.equal((await ask(cost)).isOk, true, `${algorithm} ${cost} after its time`)
      }
    }
  })

  t.test(`6. ${name}: to ask needs room and takes none, and what was done is counted whatever the limit`, async (t) => {
    const store = await start(t)
    for (const algorithm of ['sliding', 'gcra', 'fixed'] as const) {
      const bucket = bucketOf(algorithm, 60_000)
      const ask = () => Object.assign(claimOf(bucket, 5), { charge: 0 })
      const force = (charge: number) => Object.assign(claimOf(bucket, 5), { need: always, charge })
      for (let i = 0; i < 20; i++) t.equal(await store.decide([ask()]), true)
      await store.decide([force(4)])
      t.equal(await store.decide([ask()]), true)
      await store.decide([force(300)])
      const claim = ask()
      t.equal(await store.decide([claim]), false, algorithm)
      t.equal(claim.remaining, 0)
    }
  })
}

/** Small numbers, which meet each other at every edge. */
export function randomRun(
  random: () => number,
  windowMs: () => number,
): { buckets: Bucket[]; ask(): [Claim[], Asked[]] } {
  const pick = (most: number) => 1 + Math.floor(random() * most)
  const kinds = Array.from({ length: pick(3) }, () => {
    const bucket = bucketOf((['sliding', 'gcra', 'fixed'] as const)[pick(3) - 1]!, windowMs())
    return { bucket, limit: pick(6), burst: pick(6), isShadow: random() < 0.1 }
  })
  return {
    buckets: kinds.map(({ bucket }) => bucket),
    ask() {
      const cost = random() < 0.7 ? 1 : pick(4)
      const isPeek = random() < 0.1
      const claims = kinds.map(({ bucket, limit, burst, isShadow }) => {
        const claim = claimOf(bucket, limit, 'a', { burst, cost, isShadow })
        if (isPeek) claim.charge = 0
        return claim
      })
      return [
        claims,
        claims.map((claim) => ({
          ...claim,
          algorithm: claim.bucket.algorithm,
          key: claim.bucket.prefix,
          windowUs: claim.bucket.windowUs,
        })),
      ]
    },
  }
}

/** A run of both, compared at each step. */
export class Duel {
  readonly model: Model = new Model()
  readonly #run: ReturnType<typeof randomRun>
  readonly trace: unknown[] = []

  constructor(random: () => number, windowMs: () => number) {
    this.#run = randomRun(random, windowMs)
  }

  /** @returns what differs */
  async step(decide: (claims: Claim[]) => Promise<[isOk: boolean, nowUs: number]>): Promise<unknown> {
    const [claims, asked] = this.#run.ask()
    const [isOk, nowUs] = await decide(claims)
    const expected = this.model.decide(asked, nowUs)
    this.trace.push({ nowUs, asked, isOk })
    return isOk === expected ? undefined : { expected, trace: this.trace }
  }
}

/** mulberry32: a failing seed can be run again. */
export function seeded(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let n = Math.imul(a ^ (a >>> 15), 1 | a)
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n
    return ((n ^ (n >>> 14)) >>> 0) / 4_294_967_296
  }
}
