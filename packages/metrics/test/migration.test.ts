import Fastify from 'fastify'
import prometheus from 'prom-client'
import t from 'tap'
import metrics from '../src/index.js'
import { scrape, sumOf } from './exposition.js'

// The examples of fastify-metrics' readme, with the import swapped.

t.test('usage, and a custom counter', async (t) => {
  const app = Fastify()
  await app.register(metrics, { endpoint: '/metrics' })
  const custom = new app.metrics.client.Counter({
    name: 'custom_counter',
    help: 'Custom counter',
    labelNames: ['kind'],
  })
  app.get('/foo', async () => {
    custom.inc({ kind: 'a' })
    custom.labels('b').inc(2)
    return 'ok'
  })
  await app.inject('/foo')
  const { body, headers } = await app.inject('/metrics')
  t.equal(headers['content-type'], app.metrics.client.register.contentType)
  for (const line of [
    'custom_counter{kind="a"} 1',
    'custom_counter{kind="b"} 2',
    'http_request_duration_seconds_count{method="GET",route="/foo",status_code="200"} 1',
    'http_request_duration_seconds_bucket{method="GET",route="/foo",status_code="200",le="+Inf"} 1',
  ]) {
    t.ok(body.split('\n').includes(line), line)
  }
  t.match(body, /^process_cpu_user_seconds_total \d/m)
  t.match(body, /^nodejs_heap_size_used_bytes \d/m)
  await app.close()
})

t.test('routeConfig: disableMetrics and statsId', async (t) => {
  const app = Fastify()
  await app.register(metrics, { runtime: false })
  app.get('/off', { config: { disableMetrics: true } }, async () => 'ok')
  app.get('/named', { config: { statsId: 'a_name' } }, async () => 'ok')
  await app.inject('/off')
  await app.inject('/named')
  const samples = await scrape(app)
  t.equal(sumOf(samples, 'http_request_duration_seconds_count', { route: 'a_name' }), 1)
  t.equal(sumOf(samples, 'http_request_duration_seconds_count'), 1)
  await app.close()
})

t.test('prom-client is the app’s own: never the global registry', async (t) => {
  const registry = new prometheus.Registry()
  const app = Fastify()
  await app.register(metrics, { registry, runtime: false })
  const { client } = app.metrics
  t.equal(client.register, registry)
  new client.Counter({ name: 'a_total', help: 'x' }).inc()
  new client.Gauge({ name: 'b', help: 'x' }).set(2)
  new client.Histogram({ name: 'c', help: 'x', buckets: [1] }).observe(3)
  new client.Summary({ name: 'd', help: 'x', percentiles: [0.5] }).observe(4)
  new client.Counter({ name: 'elsewhere_total', help: 'x', registers: [new prometheus.Registry()] }).inc()
  client.collectDefaultMetrics()
  t.ok(registry.getSingleMetric('a_total') instanceof prometheus.Counter)
  t.same(prometheus.register.getMetricsAsArray(), [])
  const samples = await scrape(app)
  t.same(
    ['a_total', 'b', 'c_sum', 'd_sum', 'elsewhere_total'].map((name) => sumOf(samples, name)),
    [1, 2, 3, 4, undefined],
  )
  t.ok(sumOf(samples, 'process_cpu_seconds_total')! > 0, 'its default metrics, for who wants them')
  t.throws(() => new client.Counter({ name: 'a_total', help: 'x' }), /already been registered/)
  t.throws(() => new client.Counter(undefined as never), /config object/)
  await app.close()
})
