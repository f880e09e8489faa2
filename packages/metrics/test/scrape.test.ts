import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { sharedBy } from '@steadfast/testing'
import Fastify from 'fastify'
import t from 'tap'
import metrics from '../src/index.js'
import { parse, scrape, sumOf } from './exposition.js'

t.test('10,000 series of a histogram hold the event loop only shortly, and five scrapes write them once', async (t) => {
  const app = Fastify()
  await app.register(metrics, { runtime: false })
  const waits = app.metrics.histogram({ name: 'wait_seconds', help: 'Waits.', labelNames: ['to'] })
  for (let to = 0; to < 10_000; to++) waits.observe({ to }, 0.02)
  await app.metrics.render()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await sleep(20)
  delay.reset()
  const { body } = await app.metrics.render()
  await sleep(20)
  delay.disable()
  // The bound is 20 ms on a quiet machine; writing them at one go takes far more than five times that under load.
  t.ok(delay.max / 1e6 < 100, `held for ${delay.max / 1e6} ms`)
  t.equal(sumOf(parse(body.toString()), 'wait_seconds_count'), 10_000)

  let turns = 0
  const turning = () => {
    turns++
    loop = setImmediate(turning)
  }
  let loop = setImmediate(turning)
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => app.metrics.render()))
  clearImmediate(loop)
  t.ok(turns >= 2, `others had ${turns} turns meanwhile`)
  for (const other of others) t.equal(other, first, 'all five got what was written once')
  t.not(await app.metrics.render(), first, 'the next is new')
  await app.close()
})

t.test('metrics of prom-client are read one a turn, and only those that can’t be read are left out', async (t) => {
  const warnings: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => void warnings.push(line) } } })
  await app.register(metrics, { runtime: false })
  await app.listen({ port: 0, host: '127.0.0.1' }) // a scrape alone does not keep the process alive
  const { Gauge } = app.metrics.client
  const turnOf: number[] = []
  let turn = 0
  const turning = () => {
    turn++
    loop = setImmediate(turning)
  }
  let loop = setImmediate(turning)
  for (let i = 0; i < 5; i++) new Gauge({ name: `gauge_${i}`, help: 'x', collect: () => void turnOf.push(turn) })
  const fails = () => {
    throw new Error('no')
  }
  new Gauge({ name: 'fails', help: 'x', collect: fails })
  new Gauge({ name: 'rejects', help: 'x', collect: async () => fails() })
  new Gauge({ name: 'hangs', help: 'x', collect: () => new Promise(() => {}) })
  const samples = await scrape(app)
  clearImmediate(loop)
  t.equal(new Set(turnOf).size, 5, `each in a turn of its own: ${turnOf}`)
  const names = samples.map(({ name }) => name)
  t.same(
    names.filter((name) => /^(gauge_|fails|rejects|hangs)/.test(name)),
    ['gauge_0', 'gauge_1', 'gauge_2', 'gauge_3', 'gauge_4'],
  )
  await scrape(app)
  t.equal(sumOf(await scrape(app), 'metrics_faults_total', { part: 'client' }), 9)
  t.equal(warnings.length, 3, 'each told once')
  await app.close()
})

t.test('a source that fails costs its own families only, and is told', async (t) => {
  const warnings: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => void warnings.push(line) } } })
  await app.register(metrics, { runtime: false })
  const sources = sharedBy(app)!.metricSources
  const family = (name: string, value: unknown = 1) => [
    { name, help: 'x', type: 'gauge' as const, samples: [{ labels: { a: 1 }, value: value as number }] },
  ]
  sources.add(() => family('first'))
  sources.add(() => {
    throw new Error('no')
  })
  sources.add(() => family('bad name'))
  sources.add(() => family('no_number', '1'))
  sources.add(() => undefined as never)
  sources.add(() => family('first', 2))
  sources.add(() => family('http_requests_in_flight', 2))
  sources.add(() => family('last'))
  const samples = await scrape(app)
  t.same(
    samples.filter(({ name }) => !name.startsWith('metrics_')).map(({ name, value }) => [name, value]),
    [
      ['http_requests_in_flight', 0],
      ['first', 1],
      ['last', 1],
    ],
  )
  const again = await scrape(app)
  t.equal(sumOf(again, 'metrics_faults_total', { part: 'source' }), 8)
  t.equal(sumOf(again, 'metrics_faults_total', { part: 'duplicate' }), 2)
  t.equal(warnings.length, 6, 'each told once')
  t.match(warnings[0], 'no')
  await app.close()
})
