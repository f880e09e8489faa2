import { once } from 'node:events'
import { connect } from 'node:net'
import { waitFor } from '@steadfast/testing'
import t from 'tap'
import alerts from '../src/index.js'
import { bucketCount, bucketOf } from '../src/rules/buckets.js'
import { Sampler } from '../src/rules/sampler.js'
import { Window } from '../src/rules/window.js'
import { makeCenter } from './centers.js'
import { Fastify } from './fastify.js'
import { remembering, startApp } from './receivers.js'

const errors = { name: 'errors', severity: 'critical', on: 'errorRate', above: 0.05 } as const
const slow = { name: 'slow', severity: 'error', on: 'p99Ms', above: 500 } as const

t.test('7: 1 failure in 3 requests does not page; 5 in 25 do', async (t) => {
  const memory = remembering()
  const { clock, watches } = makeCenter({ channels: [memory], rules: [{ ...errors, minCount: 20 }] })
  watches.start()
  const route = watches.traffic.routeOf('/')
  for (const isError of [false, true, false]) watches.traffic.record(route, 5, isError)
  await clock.advance(120_000)
  t.same(memory.told, [])
  for (let n = 0; n < 25; n++) watches.traffic.record(route, 5, n < 5)
  await clock.advance(10_000)
  t.match(memory.told[0]?.alerts[0], { name: 'errors', kind: 'fire', value: 0.2, threshold: 0.05 })
  t.equal(memory.told[0]?.alerts[0]?.summary, 'errorRate is 0.2, above 0.05')
  await clock.advance(55_000 + 10_000)
  t.equal(memory.told[1]?.alerts[0]?.kind, 'resolve', 'once they are out of the window')
  watches.stop()
})

t.test('7: pending for forMs, firing until keepFiringMs after the last time, repeated every repeatMs', async (t) => {
  const memory = remembering()
  let value: number | undefined = 10
  const rule = { name: 'queue', severity: 'warning', on: () => value, above: 5, everyMs: 1_000 } as const
  const { clock, watches, alerts } = makeCenter({
    channels: [memory],
    groupMs: 0,
    settleMs: 0,
    rules: [{ ...rule, forMs: 10_000, keepFiringMs: 20_000, repeatMs: 60_000 }],
  })
  const kinds = () => memory.told.flatMap((told) => told.alerts.map(({ kind }) => kind))
  watches.start()
  await clock.advance(9_000)
  value = 1
  await clock.advance(2_000)
  value = 10
  await clock.advance(10_000)
  t.same(kinds(), [], 'a gap begins anew')
  await clock.advance(2_000)
  t.same(kinds(), ['fire'])
  value = 1
  await clock.advance(15_000)
  value = 10
  await clock.advance(2_000)
  value = 1
  await clock.advance(19_000)
  t.same(kinds(), ['fire'], 'it was back for too short a while')
  t.equal(alerts.stats().firing, 1)
  await clock.advance(3_000)
  t.same(kinds(), ['fire', 'resolve'])
  value = 10
  await clock.advance(200_000)
  t.same(kinds().slice(2), ['fire', 'repeat', 'repeat', 'repeat'])
  watches.stop()
})

t.test('7: p99 over the window, right to within 2 %', async (t) => {
  const window = new Window(60_000, true)
  let seed = 1
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  // Log-normal durations, around 20 ms; each slice has another centre.
  const slices: number[][] = []
  for (let slice = 0; slice < 30; slice++) {
    if (slice > 0) window.advance()
    const durations = Array.from({ length: 5_000 }, () => {
      const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
      return (20 + slice) * Math.exp(normal)
    })
    for (const ms of durations) window.record(bucketOf(ms), false)
    slices.push(durations)
    const all = slices
      .slice(-12)
      .flat()
      .sort((a, b) => a - b)
    for (const share of [0.5, 0.95, 0.99]) {
      const right = all[Math.ceil(share * all.length) - 1]!
      const off = Math.abs(window.quantile(share)! - right) / right
      if (off > 0.02) t.fail(`quantile ${share} is off by ${off}`)
    }
    t.equal(window.count, all.length)
  }
})

/** How many requests this one stands for; 0: it is not followed. */
const next = (sampler: Sampler): number => (sampler.isNext() ? sampler.follow() : 0)

t.test('7: of many requests some are followed, and what is told of them is still right', async (t) => {
  let seed = 7
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const sampler = new Sampler(random)
  const window = new Window(60_000, true)
  const all: number[] = []
  let errors = 0
  let followed = 0
  for (let second = 0; second < 60; second++) {
    // Slow ones come at regular places, and in busy seconds all are slower.
    const isBusy = second >= 20
    for (let i = 0; i < (isBusy ? 20_000 : 500); i++) {
      const ms = (i % 50 === 0 ? 300 : 20) * (1 + random()) * (isBusy ? 2 : 1)
      const isError = i % 20 === 0
      all.push(ms)
      errors += Number(isError)
      const weight = next(sampler)
      if (weight > 0) window.record(bucketOf(ms), isError, weight)
      followed += Number(weight > 0)
    }
    sampler.adjust()
  }
  all.sort((a, b) => a - b)
  for (const share of [0.5, 0.95, 0.99]) {
    const right = all[Math.ceil(share * all.length) - 1]!
    t.ok(Math.abs(window.quantile(share)! - right) / right < 0.03, `${share}: ${window.quantile(share)} for ${right}`)
  }
  t.ok(Math.abs(window.errorRate! - errors / all.length) < 0.003, `${window.errorRate}`)
  t.ok(Math.abs(window.count / all.length - 1) < 0.02, `${window.count} for ${all.length}`)
  t.ok(followed < 60_000, `${followed} of ${all.length}`)
  const quiet = new Sampler()
  for (let second = 0; second < 5; second++) {
    for (let i = 0; i < 999; i++) if (next(quiet) !== 1) t.fail('few are all followed')
    quiet.adjust()
  }
})

t.test('7: a route that few ask for is counted in full beside one that many ask for', async (t) => {
  const { watches } = makeCenter({ channels: [remembering()], rules: [{ ...errors, perRoute: true }] })
  const [rare, often] = [watches.traffic.routeOf('/rare'), watches.traffic.routeOf('/often')]
  for (let i = 0; i < 50_000; i++) next(often.sampler)
  next(rare.sampler)
  watches.traffic.adjust()
  for (let i = 0; i < 10; i++) t.equal(next(rare.sampler), 1)
  next(often.sampler)
  t.ok(Array.from({ length: 1_000 }, () => next(often.sampler)).filter((weight) => weight > 0).length < 100)
})

t.test('7: windows cost memory by their buckets, not by requests', async (t) => {
  const window = new Window(60_000, true)
  const measure = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  for (let n = 0; n < 10_000; n++) window.record(bucketOf(n % 1_000), false)
  global.gc?.()
  const before = measure()
  for (let n = 0; n < 2_000_000; n++) window.record(bucketOf(n % 1_000), false)
  global.gc?.()
  const grown = measure() - before
  t.ok(grown < 4_000_000, `2 million requests: ${grown} bytes, where 8 bytes each would be 16 million`)
  t.ok(bucketCount * 12 * 4 < 30_000, 'a window is less than 30 KB')
})

t.test('7: latency by route, from real requests; probes, and routes of other rules, are left alone', async (t) => {
  const memory = remembering()
  const rules = [
    { ...slow, above: 400, perRoute: true, windowMs: 1_200, minCount: 5 },
    { ...errors, name: 'errors', route: '/fails', windowMs: 1_200, minCount: 5 },
  ]
  const app = await startApp(t, { channels: [memory], rules }, [], (app) => {
    app.get('/slow/:id', async () => new Promise((resolve) => setTimeout(() => resolve('ok'), 600)))
    app.get('/fast', async () => 'ok')
    app.get('/fails', async () => Promise.reject(new Error('no')))
    app.get('/livez', { config: { steadfast: { probe: true } } as object }, async (_request, reply) => {
      await new Promise((resolve) => setTimeout(resolve, 600))
      return reply.code(503).send()
    })
  })
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  const get = (path: string) => fetch(base + path).then((response) => response.text())
  const paths = ['/slow/1', '/fast', '/fails', '/livez', '/unknown']
  // One may end and begin again while the other is waited for.
  const told = () => {
    const alerts = memory.told.flatMap(({ alerts }) => alerts)
    return [...new Set(alerts.map(({ name, labels }) => `${name} ${labels.route}`))]
  }
  await waitFor(async () => {
    await Promise.all(Array.from({ length: 25 }, (_, n) => get(paths[n % 5]!)))
    return told().length >= 2
  })
  t.same(told().sort(), ['errors /fails', 'slow /slow/:id'])
})

t.test('7: requests that are broken off, and those by inject, are counted by how long they took', async (t) => {
  const memory = remembering()
  const rules = [{ ...slow, above: 100, windowMs: 1_200, minCount: 3 }]
  const app = await startApp(t, { channels: [memory], rules }, [], (app) => {
    app.get('/hangs', () => new Promise(() => {}))
    app.get('/late', () => new Promise((resolve) => setTimeout(() => resolve('ok'), 150)))
  })
  await Promise.all(Array.from({ length: 3 }, () => app.inject('/late')))
  await waitFor(() => memory.told.length === 1)
  await waitFor(() => memory.told.length === 2)
  t.equal(memory.told[1]?.status, 'resolved')
  await app.listen({ port: 0, host: '127.0.0.1' })
  for (let n = 0; n < 3; n++) {
    const socket = connect((app.server.address() as { port: number }).port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET /hangs HTTP/1.1\r\nHost: x\r\n\r\n')
    setTimeout(() => socket.destroy(), 200)
  }
  await waitFor(() => memory.told.length === 3)
  t.match(memory.told[2]?.alerts[0], { name: 'slow', kind: 'fire' })
})

t.test('7: values of the process, and a function that fails', async (t) => {
  const memory = remembering()
  const lines: string[] = []
  const rules = [
    { name: 'heap', severity: 'warning', on: 'heapUsedBytes', above: 1, everyMs: 50 },
    { name: 'loop', severity: 'warning', on: 'eventLoopDelayMs', above: 100, everyMs: 100 },
    { name: 'low', severity: 'warning', on: async () => 3, below: 5, everyMs: 50 },
    { name: 'fails', severity: 'warning', on: () => Promise.reject(new Error('no')), above: 5, everyMs: 50 },
  ] as const
  await startApp(t, { channels: [memory], rules: [...rules] }, lines)
  const told = () => memory.told.flatMap(({ alerts }) => alerts.map(({ name }) => name))
  await waitFor(() => told().length >= 2)
  t.same(told().sort(), ['heap', 'low'])
  await waitFor(
    () => {
      const untilMs = performance.now() + 300
      while (performance.now() < untilMs);
      return told().includes('loop')
    },
    { everyMs: 200 },
  )
  t.equal(lines.filter((line) => line.includes('a rule can’t be looked at')).length, 1)
})

t.test('7: a rule that an earlier process has left firing is over once it is back', async (t) => {
  const { newFolder } = await import('./receivers.js')
  const dir = await newFolder()
  const rule = { name: 'low', severity: 'warning', below: 5, everyMs: 20 } as const
  const memory = remembering()
  const first = await startApp(t, { channels: [memory], spool: { dir }, rules: [{ ...rule, on: () => 1 }] })
  await waitFor(() => memory.told.length === 1)
  await first.close()
  await startApp(t, { channels: [memory], spool: { dir }, rules: [{ ...rule, on: () => 9 }] })
  await waitFor(() => memory.told.length === 2)
  t.equal(memory.told[1]?.alerts[0]?.kind, 'resolve')
})

t.test('7: a value that is not known changes nothing, and one that never comes is told of', async (t) => {
  const memory = remembering()
  let value: number | undefined = 9
  const never = { name: 'never', severity: 'warning', on: () => new Promise<number>(() => {}), above: 5 } as const
  const known = { name: 'known', severity: 'warning', on: () => value, above: 5 } as const
  const lines: string[] = []
  const { clock, watches } = makeCenter({ channels: [memory], settleMs: 0, rules: [known, never] }, lines)
  watches.start()
  await clock.advance(10_000)
  value = undefined
  await clock.advance(60_000)
  t.same(
    memory.told.map(({ status }) => status),
    ['firing'],
  )
  value = 1
  await clock.advance(10_000)
  t.equal(memory.told[1]?.status, 'resolved')
  t.same(lines, ['alerts: a rule can’t be looked at'])
  watches.stop()
})

t.test('7: a rule whose route there is not is told of; routes from before the plugin are known', async (t) => {
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } })
  t.teardown(() => app.close())
  app.post('/before', async () => 'ok')
  const rules = ['/before', '/after', '/misspelt'].map((route) => ({ ...errors, name: route, route }))
  await app.register(alerts, { service: 'app', channels: [remembering()], rules })
  app.get('/after', { constraints: { host: 'example.com' } }, async () => 'ok')
  await app.ready()
  const told = lines.filter((line) => line.includes('a route that there is not')).map((line) => JSON.parse(line).route)
  t.same(told, ['/misspelt'])
})
