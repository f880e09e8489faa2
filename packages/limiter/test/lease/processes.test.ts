import { type Child, forkFixture, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import { costOf, leasers, scriptCalls } from './processes.js'

const fixed = { windowMs: 60_000, algorithm: 'fixed', lease: {} } as const

async function ownRedis(t: Test) {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  return redis
}

t.test('1. three processes, one limit of 1,000, 5,000 requests: 990 to 1,000 pass, by at most 200 calls', async (t) => {
  const { url } = await ownRedis(t)
  for (const counts of [
    [1_667, 1_667, 1_666],
    [2_500, 1_500, 1_000],
    [4_000, 750, 250],
    [4_900, 90, 10],
  ]) {
    const before = await scriptCalls(url)
    const run = await leasers(t, counts, { url, policy: fixed, limits: [1_000, 1_000], overMs: 1_500 })
    run.start()
    await run.end()
    const [passed, calls] = [costOf(run.admitted()), (await scriptCalls(url)) - before]
    t.ok(passed <= 1_000 && passed >= 990, `${counts}: ${passed} passed`)
    t.ok(calls <= 200, `${calls} calls`)
  }
})

t.test('1. the same through HTTP', async (t) => {
  const { url } = await ownRedis(t)
  const options = { limit: 1_000, instances: 3, ...fixed }
  for (const spread of [
    [1 / 3, 2 / 3],
    [0.98, 0.998],
  ]) {
    const keyPrefix = uniquePrefix()
    const urls = await Promise.all(
      [0, 1, 2].map(async () => {
        const args = [JSON.stringify({ url, keyPrefix, aheadMs: 0, options })]
        const child: Child = await forkFixture(new URL('../fixtures/instance.js', import.meta.url), { args })
        t.teardown(() => child.release())
        return (await waitFor(() => child.reports<string>()[0], { what: child.output() })) as string
      }),
    )
    const before = await scriptCalls(url)
    let [sent, passed, refused] = [0, 0, 0]
    const lane = async () => {
      while (sent < 5_000) {
        const place = ((sent++ * 7_919) % 5_000) / 5_000
        const { status } = await fetch(urls[place < spread[0]! ? 0 : place < spread[1]! ? 1 : 2]!)
        if (status === 200) passed++
        else if (status === 429) refused++
        else t.fail(`${status}`)
      }
    }
    await Promise.all(Array.from({ length: 32 }, lane))
    const calls = (await scriptCalls(url)) - before
    t.ok(passed <= 1_000 && passed >= 990 && passed + refused === 5_000, `${spread}: ${passed} passed`)
    t.ok(calls <= 200, `${calls} calls`)
  }
})

t.test(
  '2. a holder is killed: never more than the limit, the others go on, and a new window has all of it',
  async (t) => {
    const { url } = await ownRedis(t)
    const policy = { ...fixed, windowMs: 4_000, lease: { first: 100 } }
    const run = await leasers(t, [1_500, 1_500, 600], { url, policy, limits: [1_000, 1_000], overMs: 6_000 })
    run.start()
    const [first, , last] = run.children
    await waitFor(() => last!.reports().length > 20)
    last!.signal('SIGKILL')
    const before = first!.reports().length
    await run.end()
    const startMs = Math.min(...run.admitted().map(({ askedMs }) => askedMs))
    const inFirst = costOf(run.admitted().filter(({ doneMs }) => doneMs < startMs + policy.windowMs))
    t.ok(inFirst <= 1_000, `${inFirst} passed in the window`)
    t.ok(first!.reports().length > before + 100, 'the others go on')
    const later = costOf(run.admitted().filter(({ askedMs }) => askedMs > startMs + policy.windowMs + 200))
    t.ok(later > 600, `${later} passed in the next window`)
    t.ok(costOf(run.admitted()) <= 2_000)
  },
)

t.test(
  '3. real processes stay within the bound: windows end, limits change, costs differ, limits of 1 and 1e6',
  async (t) => {
    const { url } = await startRedis()
    const overMs = 2_500
    for (const [algorithm, windowMs, limits, costs] of [
      ['fixed', 500, [100, 100], [1]],
      ['sliding', 1_000, [200, 200], [1, 1, 5]],
      ['sliding', 1_000, [300, 50], [1]],
      ['fixed', 1_000, [1, 1], [1]],
      ['sliding', 1_000, [1_000_000, 1_000_000], [1, 3]],
    ] as const) {
      const policy = { algorithm, windowMs, lease: {} }
      const run = await leasers(t, [1_500, 700, 100], { url, policy, limits: [...limits], overMs, costs: [...costs] })
      run.start()
      await run.end()
      const all = run.admitted().sort((a, b) => a.askedMs - b.askedMs)
      const name = `${algorithm} ${limits} in ${windowMs} ms, costs ${costs}: ${costOf(all)} passed`
      const endMs = Math.max(...all.map(({ doneMs }) => doneMs))
      const windows = Math.floor((endMs - all[0]!.askedMs) / windowMs) + 1
      if (algorithm === 'fixed') t.ok(costOf(all) <= limits[0] * windows && costOf(all) >= limits[0], name)
      else {
        // Those that have certainly passed between two times that are a window apart.
        const most = (limit: number) => {
          const some = all.filter((each) => each.limit <= limit)
          return Math.max(
            ...some.map(({ askedMs }) =>
              costOf(some.filter((e) => e.askedMs >= askedMs && e.doneMs < askedMs + windowMs)),
            ),
          )
        }
        for (const limit of new Set(limits)) t.ok(most(limit) <= limit, `${name}, at most ${most(limit)} of ${limit}`)
      }
    }
  },
)

t.test('4. under steady load, fewer than 1 in 100 requests of real processes wait', async (t) => {
  const { url } = await startRedis()
  for (const algorithm of ['fixed', 'sliding'] as const) {
    const policy = { algorithm, windowMs: 60_000, lease: {} }
    // A machine that stalls makes requests wait for its stalls: one try of some without is what shows it.
    const tries: number[] = []
    for (let last = Number.POSITIVE_INFINITY; last >= 60 && tries.length < 6; tries.push(last)) {
      const run = await leasers(t, [4_000, 2_000], { url, policy, limits: [1e6, 1e6], overMs: 4_000 })
      run.start()
      await run.end()
      if (costOf(run.admitted()) !== 6_000) t.fail(`${costOf(run.admitted())} passed`)
      last = run.waits()
    }
    t.ok(tries.at(-1)! < 60, `${algorithm}: ${tries} of 6000 have waited`)
  }
})
