import { execFileSync } from 'node:child_process'
import { findTestTool, waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import metrics, { type MetricsOptions } from '../src/index.js'
import { parse, scrape, sumOf } from './exposition.js'

const openMetrics = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

async function appWith(t: Test, options: MetricsOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(metrics, options)
  app.get('/a', async () => 'ok')
  return app
}

t.test('two scrapers agree: nothing starts anew with a scrape', async (t) => {
  const app = await appWith(t)
  const summary = new app.metrics.client.Summary({ name: 'waits_seconds', help: 'Waits.', percentiles: [0.5] })
  summary.observe(1)
  await app.inject('/a')
  const blockedMs = 150
  const endMs = performance.now() + blockedMs + 100
  while ((sumOf(await scrape(app), 'nodejs_eventloop_lag_max_seconds') ?? 0) < blockedMs / 1_000) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const untilMs = performance.now() + blockedMs
    while (performance.now() < untilMs);
    if (performance.now() > endMs + 10_000) throw new Error('the block of the event loop does not show')
  }
  const moving = /^(process_|nodejs_(?!eventloop_lag_max)|metrics_)/
  const read = async () => (await scrape(app)).filter(({ name }) => !moving.test(name))
  const first = await read()
  t.ok(sumOf(first, 'nodejs_eventloop_lag_max_seconds')! >= blockedMs / 1_000)
  t.same(
    first.filter(({ name }) => !name.startsWith('nodejs_')),
    (await read()).filter(({ name }) => !name.startsWith('nodejs_')),
  )
  for (let i = 0; i < 10; i++) {
    const seen = sumOf(await scrape(app), 'nodejs_eventloop_lag_max_seconds')!
    t.ok(seen >= blockedMs / 1_000, 'whoever comes later sees the block too')
  }
})

t.test('text and OpenMetrics in turn: what things are called stays', async (t) => {
  // A garbage collection, or a resource that becomes active, brings a series.
  const app = await appWith(t, { runtime: { gc: false, heap: false } })
  new app.metrics.client.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc()
  new app.metrics.client.Counter({ name: 'odd', help: 'A counter by another name.' }).inc()
  app.metrics.counter({ name: 'mine_total', help: 'Mine, "quoted" \\ and\nbroken.' }).inc()
  await app.inject('/a')
  await waitFor(async () => sumOf(await scrape(app), 'nodejs_eventloop_lag_seconds') !== undefined)
  const read = async (accept: string | undefined) => {
    const { body, headers } = await app.inject({ url: '/metrics', headers: accept ? { accept } : {} })
    const described = body.split('\n').filter((line) => line.startsWith('# TYPE'))
    return { type: headers['content-type'], described, names: [...new Set(parse(body).map(({ name }) => name))], body }
  }
  const text = await read(undefined)
  const open = await read(openMetrics)
  t.match(text.type, 'text/plain; version=0.0.4')
  t.match(open.type, 'application/openmetrics-text; version=1.0.0')
  t.same(open.names, text.names, 'series have the same names in both')
  t.ok(text.described.includes('# TYPE jobs_total counter') && open.described.includes('# TYPE jobs counter'))
  t.ok(text.described.includes('# TYPE odd counter') && open.described.includes('# TYPE odd unknown'))
  t.ok(open.body.endsWith('# EOF\n') && !text.body.includes('# EOF'))
  t.match(text.body, '# HELP mine_total Mine, "quoted" \\\\ and\\nbroken.\n')
  for (let i = 0; i < 100; i++) {
    const again = await read(i % 2 ? openMetrics : undefined)
    const before = i % 2 ? open : text
    if (`${again.described}` !== `${before.described}` || `${again.names}` !== `${before.names}`) {
      t.same(again, before, `scrape ${i}`)
    }
  }
  t.same((await read(undefined)).described, text.described)
})

t.test('what is asked for by Accept', async (t) => {
  const app = await appWith(t, { runtime: false })
  const formats: [accept: string, openMetrics: boolean][] = [
    ['*/*', false],
    ['text/html', false],
    ['application/openmetrics-text', true],
    ['application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5', true],
    ['application/openmetrics-text;version=1.0.0;q=0.2, text/plain;q=0.9', false],
    ['application/openmetrics-text; version=7.0.0, text/plain;q=0.1', false],
    ['application/openmetrics-text;q=0', false],
  ]
  for (const [accept, expected] of formats) {
    const { contentType } = await app.metrics.render(accept)
    t.equal(contentType.includes('openmetrics'), expected, accept)
  }
})

t.test('exemplars carry trace ids', async (t) => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const bucketsOf = async (app: FastifyInstance) => {
    const { body } = await app.metrics.render(openMetrics)
    return body.toString().match(/^http_request_duration_seconds_bucket.* # .*$/gm) ?? []
  }
  const app = await appWith(t, { exemplars: true })
  const ask = (flags: string) =>
    app.inject({ url: '/a', headers: { traceparent: `00-${trace}-00f067aa0ba902b7-${flags}` } })
  await ask('00')
  await app.inject({ url: '/a', headers: { traceparent: 'nonsense' } })
  t.same(await bucketsOf(app), [], 'a trace that is not sampled can’t be looked up')
  await ask('01')
  const [exemplar, ...more] = await bucketsOf(app)
  t.match(exemplar, new RegExp(`\\} 3 # \\{trace_id="${trace}"\\} 0\\.\\d+(e-\\d+)? \\d+\\.\\d{3}$`))
  t.same(more, [])
  t.notMatch((await app.metrics.render()).body.toString(), trace, 'the text format has none')

  const own = await appWith(t, { exemplars: ({ headers }) => headers['x-trace'] as string | undefined })
  await own.inject({ url: '/a', headers: { 'x-trace': 'abc' } })
  t.match((await bucketsOf(own))[0], /trace_id="abc"/)
  await own.inject({ url: '/a', headers: { 'x-trace': '"}\n' } })
  t.match((await bucketsOf(own))[0], /trace_id="abc"/)
  t.equal(sumOf(await scrape(own), 'metrics_faults_total', { part: 'exemplars' }), 1)
})

t.test('promtool accepts what is told', async (t) => {
  const promtool = await findTestTool('promtool')
  const app = await appWith(t, { http: { sizes: true, ttfb: true }, prefix: 'shop_' })
  app.metrics.counter({ name: 'orders_total', help: 'Orders.', labelNames: ['plan'] }).inc({ plan: 'a "b" \\ c\nd' })
  app.metrics.gauge({ name: 'queue_length', help: 'Queue.' }).set(Number.POSITIVE_INFINITY)
  app.metrics.histogram({ name: 'wait_seconds', help: 'Waits.' }).observe(0.3)
  new app.metrics.client.Histogram({ name: 'theirs_seconds', help: 'Theirs.', labelNames: ['a'] }).observe(
    { a: 'b' },
    1,
  )
  new app.metrics.client.Summary({ name: 'sums_seconds', help: 'Sums.' }).observe(1)
  app.metrics.client.register.setDefaultLabels({ region: 'eu' })
  app.metrics.pool('main', { totalCount: 1, idleCount: 1, waitingCount: 0, options: { max: 3 } })
  app.metrics.pool('cache', { status: 'ready', ping: async () => 'PONG' })
  await app.ready()
  await app.inject('/a')
  await app.inject('/nope')
  const { body } = await app.metrics.render()
  t.doesNotThrow(() => execFileSync(promtool, ['check', 'metrics'], { input: body, stdio: 'pipe' }))
  t.throws(() => execFileSync(promtool, ['check', 'metrics'], { input: 'a{ 1\n', stdio: 'pipe' }))
  const samples = parse(body.toString())
  t.equal(sumOf(samples, 'theirs_seconds_count', { region: 'eu', a: 'b' }), 1)
  t.same(
    samples.filter(({ name }) => name === 'orders_total').map(({ labels }) => labels.plan),
    ['a \\"b\\" \\\\ c\\nd'],
  )
  t.ok(sumOf(samples, 'shop_http_request_duration_seconds_count'))
  t.ok(sumOf(samples, 'shop_process_resident_memory_bytes'))
})
