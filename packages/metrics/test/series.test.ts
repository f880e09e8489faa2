import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Fastify from 'fastify'
import t from 'tap'
import metrics from '../src/index.js'
import { scrape, sumOf } from './exposition.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

t.test('1 M values of a label: memory stays, the rest overflows and is counted', async (t) => {
  const app = Fastify()
  await app.register(metrics, { runtime: false })
  const counter = app.metrics.counter({ name: 'visits_total', help: 'Visits.', labelNames: ['user'], maxSeries: 1_000 })
  const heap = () => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const visit = (from: number, to: number) => {
    for (let user = from; user < to; user++) counter.inc({ user })
  }
  visit(0, 10_000)
  const before = heap()
  visit(10_000, 1_000_000)
  const grownBytes = heap() - before
  t.ok(grownBytes < 1_000_000, `it has grown by ${grownBytes} bytes`)
  visit(0, 10)
  const samples = await scrape(app)
  const own = samples.filter(({ name }) => name === 'visits_total')
  t.equal(own.length, 1_001)
  t.equal(sumOf(own, 'visits_total', { user: '5' }), 2, 'those that are there go on')
  t.equal(sumOf(own, 'visits_total', { user: '__overflow__' }), 999_000)
  t.equal(sumOf(samples, 'metrics_overflows_total', { metric: 'visits_total' }), 999_000)
  t.equal(sumOf(own, 'visits_total'), 1_000_010, 'nothing is lost')
  await app.close()
})

t.test('counters, gauges and histograms, bound and not', async (t) => {
  const app = Fastify()
  await app.register(metrics, { runtime: false })
  const { metrics: own } = app
  const orders = own.counter({ name: 'orders_total', help: 'Orders.', labelNames: ['plan', 'country'] })
  const bound = orders.labels({ plan: 'free', country: 'de' })
  bound.inc()
  bound.inc(2)
  orders.inc({ country: 'de', plan: 'free' }, 4)
  t.equal(own.counter({ name: 'orders_total', help: 'Other.', labelNames: ['plan', 'country'] }), orders, 'the same')
  const queue = own.gauge({ name: 'queue_length', help: 'Queue.' })
  queue.set(5)
  queue.inc()
  queue.dec(3)
  own
    .gauge({ name: 'temperature_celsius', help: 'T.', labelNames: ['room'] })
    .labels({ room: 'a' })
    .set(-3.5)
  const waits = own.histogram({ name: 'wait_seconds', help: 'Waits.', labelNames: ['to'], buckets: [0.1, 1] })
  for (const value of [0.1, 0.5, 3]) waits.observe({ to: 'a' }, value)
  const seconds = waits.labels({ to: 'b' }).startTimer()()
  const samples = await scrape(app)
  t.equal(sumOf(samples, 'orders_total'), 7)
  t.equal(sumOf(samples, 'queue_length'), 3)
  t.equal(sumOf(samples, 'temperature_celsius', { room: 'a' }), -3.5)
  const buckets = samples.filter(({ name, labels }) => name === 'wait_seconds_bucket' && labels.to === 'a')
  t.same(
    buckets.map(({ labels, value }) => [labels.le, value]),
    [
      ['0.1', 1],
      ['1', 2],
      ['+Inf', 3],
    ],
  )
  t.equal(sumOf(samples, 'wait_seconds_sum', { to: 'a' }), 3.6)
  t.equal(sumOf(samples, 'wait_seconds_sum', { to: 'b' }), seconds)

  const refused: [() => unknown, string, RegExp][] = [
    [
      () => own.counter({ name: 'orders_total', help: 'x', labelNames: ['plan'] }),
      'NAME_TAKEN',
      /labels \(plan, country\)/,
    ],
    [() => own.histogram({ name: 'wait_seconds', help: 'x', labelNames: ['to'] }), 'NAME_TAKEN', /buckets \(0.1, 1\)/],
    [() => own.gauge({ name: 'wait_seconds', help: 'x' }), 'NAME_TAKEN', /it is a histogram/],
    [() => own.gauge({ name: 'http_request_duration_seconds', help: 'x' }), 'NAME_TAKEN', /it is a histogram/],
    [() => own.counter({ name: 'orders', help: 'x' }), 'OPTION', /ends in _total/],
    [() => own.gauge({ name: 'a-b', help: 'x' }), 'OPTION', /name must be .*'a-b'/],
    [() => own.gauge({ name: 'a', help: '' }), 'OPTION', /help/],
    [() => own.gauge({ name: 'a', help: 'x', labelNames: ['le'] }), 'OPTION', /labelNames/],
    [() => own.gauge({ name: 'a', help: 'x', maxSeries: 0 }), 'OPTION', /maxSeries/],
    [() => own.gauge({ name: 'a', help: 'x', buckets: [1] } as never), 'UNKNOWN_OPTION', /buckets/],
    [() => own.histogram({ name: 'a', help: 'x', buckets: [1, 1] }), 'OPTION', /buckets/],
    [() => orders.inc({ plan: 'free' } as never), 'LABELS', /\(plan, country\), not \(plan\)/],
    [() => orders.inc({ plan: 'free', country: 'de', x: 1 } as never), 'LABELS', /x/],
    [() => orders.inc(), 'LABELS', /orders_total/],
    [() => bound.inc(-1), 'VALUE', /orders_total takes a finite number from 0, not -1/],
    [() => queue.set('5' as never), 'VALUE', /queue_length/],
    [() => queue.inc('5' as never), 'VALUE', /queue_length takes a number, not '5'/],
    [() => queue.dec(null as never), 'VALUE', /queue_length takes a number, not null/],
    [() => bound.inc('5' as never), 'VALUE', /orders_total takes a finite number from 0, not '5'/],
    [() => bound.inc(1n as never), 'VALUE', /orders_total/],
    [() => waits.observe({ to: 'a' }, '5' as never), 'VALUE', /wait_seconds takes .* not '5'/],
    [() => own.counter({ name: 'metrics_faults_total', help: 'x' }), 'NAME_TAKEN', /the plugin’s own/],
    [() => own.gauge({ name: 'http_requests_in_flight', help: 'x' }), 'NAME_TAKEN', /the plugin’s own/],
    [() => own.counter(undefined as never), 'OPTION', /the options of a metric must be an object/],
    [() => waits.observe({ to: 'a' }, Number.NaN), 'VALUE', /wait_seconds/],
  ]
  for (const [act, code, message] of refused) t.throws(act, { code: `ERR_METRICS_${code}`, message }, `${message}`)
  new own.client.Gauge({ name: 'theirs', help: 'x' })
  t.throws(() => own.gauge({ name: 'theirs', help: 'x' }), { code: 'ERR_METRICS_NAME_TAKEN' })
  await app.close()
})
