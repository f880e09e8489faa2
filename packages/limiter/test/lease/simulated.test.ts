import t from 'tap'
import type { LeaseSettings } from '../../src/lease/options.js'
import { Buckets } from '../../src/stores/bucket.js'
import { seeded } from '../stores/contract.js'
import { excess, Instance, type Network, World } from './simulation.js'

const settings: LeaseSettings = { first: undefined, max: 10_000, returnAfterMs: 100, denyForMs: 250 }
const near: Network = { leastUs: 200, mostUs: 2_000, lost: 0, timeoutMs: 200 }

/** One of very many: who asks, when, for what, of how many instances, over which network, and what goes wrong. */
function randomRun(seed: number): { wrong: string | undefined; admitted: number } {
  const random = seeded(seed)
  const pick = <T>(...values: T[]): T => values[Math.floor(random() * values.length)]!
  const buckets = new Buckets('t:')
  const windowMs = pick(100, 400, 1_000, 5_000)
  const own: LeaseSettings = { ...settings, first: pick(undefined, 1, 20, 500), returnAfterMs: pick(20, 100, 1_000) }
  const all = Array.from({ length: pick(1, 1, 2) }, (_, i) =>
    buckets.of(pick('fixed', 'sliding'), windowMs, [`${i}`], own),
  )
  const network = pick(
    near,
    { ...near, mostUs: 80_000 },
    { ...near, mostUs: 400_000, lost: 0.1 },
    { ...near, lost: 0.3, timeoutMs: 20 },
  )
  const world = new World(random, network)
  const instances = Array.from(
    { length: pick(1, 2, 3, 5) },
    (_, i, n = 3) => new Instance(world, i, pick(1, n), random),
  )
  const limits = [pick(1, 2, 7, 50, 300, 1_000_000), pick(1, 3, 20, 400)]
  const changeUs = pick(Number.POSITIVE_INFINITY, random() * 3 * windowMs * 1_000)
  const startUs = world.nowUs
  const endUs = startUs + windowMs * 3_500
  const count = pick(50, 400, 1_500)
  for (let i = 0; i < count; i++) {
    // In bursts, as well as evenly.
    const atUs = startUs + Math.floor((random() < 0.5 ? Math.floor(random() * 8) / 8 : random()) * (endUs - startUs))
    const instance = instances[Math.floor(random() ** 2 * instances.length)]!
    const cost = random() < 0.8 ? 1 : 1 + Math.floor(random() * 6)
    // Instances learn of a change one after the other.
    world.at(atUs, () => instance.request(all, limits[atUs - startUs > changeUs + random() * 50_000 ? 1 : 0]!, cost))
  }
  if (random() < 0.3) world.at(startUs + random() * (endUs - startUs), () => instances[0]!.kill())
  if (random() < 0.3) world.at(startUs + random() * (endUs - startUs), () => world.freeze(random() * 500_000))
  world.run(endUs + 500_000)
  const admitted = all.reduce((sum, bucket) => sum + (world.admitted.get(bucket)?.length ?? 0), 0)
  return { wrong: all.map((bucket) => excess(world, bucket)).find((found) => found !== undefined), admitted }
}

t.test('3. no schedule of requests, clocks, losses and deaths admits more than the limit', async (t) => {
  let admitted = 0
  const first = Number(process.env.SEED ?? 1)
  const count = process.env.SEED ? 1 : 1_000
  for (let seed = first; seed < first + count; seed++) {
    const run = randomRun(seed)
    if (run.wrong) t.fail(`seed ${seed}: ${run.wrong}`)
    admitted += run.admitted
  }
  t.ok(admitted > count, `${admitted} admitted in all`)
})

t.test('1. three instances share a limit of 1,000, whatever the spread: at least 990, at most 200 calls', async (t) => {
  const spreads = [
    [1 / 3, 1 / 3, 1 / 3],
    [0.5, 0.3, 0.2],
    [0.8, 0.15, 0.05],
    [0.98, 0.018, 0.002],
  ]
  for (const spread of spreads) {
    for (const tookMs of [50, 300, 1_000, 3_000, 20_000, 55_000]) {
      for (let seed = 1; seed <= 5; seed++) {
        const random = seeded(seed)
        const world = new World(random, near)
        const bucket = new Buckets('t:').of('fixed', 60_000, ['a'], settings)
        const instances = [0, 1, 2].map((i) => new Instance(world, i, 3, random))
        for (let i = 0; i < 5_000; i++) {
          const share = random()
          const index = share < spread[0]! ? 0 : share < spread[0]! + spread[1]! ? 1 : 2
          world.at(world.nowUs + random() * tookMs * 1_000, () => instances[index]!.request([bucket], 1_000, 1))
        }
        world.run(world.nowUs + tookMs * 1_000 + 1_000_000)
        const admitted = world.admitted.get(bucket)!.length
        const name = `${spread}, ${tookMs} ms, seed ${seed}: ${admitted} admitted in ${world.calls} calls`
        if (admitted > 1_000 || admitted < 990 || world.calls > 200) t.fail(name)
        else if (seed === 1) t.pass(name)
      }
    }
  }
})

t.test('4. under steady load, fewer than 1 in 100 requests wait, and none for more than a round trip', async (t) => {
  for (const algorithm of ['fixed', 'sliding'] as const) {
    const random = seeded(4)
    const world = new World(random, near)
    const bucket = new Buckets('t:').of(algorithm, 10_000, ['a'], settings)
    const instances = [0, 1].map((i) => new Instance(world, i, 2, random))
    const startUs = world.nowUs
    let longestUs = 0
    let asked = 0
    for (let atUs = 0; atUs < 25e6; atUs += 500 + random() * 500) {
      asked++
      world.at(startUs + atUs, () => {
        instances[asked % 2]!.request([bucket], 100_000, 1, (isAdmitted) => {
          if (!isAdmitted) t.fail(`denied at ${world.nowUs - startUs}`)
          longestUs = Math.max(longestUs, world.nowUs - startUs - Math.floor(atUs))
        })
      })
    }
    world.run(startUs + 26e6)
    const waits = instances.reduce((sum, { store }) => sum + store.holder.waits, 0)
    t.ok(waits < asked / 100, `${algorithm}: ${waits} of ${asked} waited, ${world.calls} calls`)
    t.ok(longestUs <= 2 * near.mostUs + 300, `for ${longestUs} µs at most`)
  }
})
