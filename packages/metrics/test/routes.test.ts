import { connect } from 'node:net'
import { waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import t from 'tap'
import metrics from '../src/index.js'
import { scrape, sumOf } from './exposition.js'

const count = 'http_request_duration_seconds_count'

t.test('1,000 URLs of a route are one series; 10,000 that no route takes are one more route', async (t) => {
  const app = Fastify()
  await app.register(metrics, { runtime: false })
  app.get('/users/:id', async () => 'ok')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  for (let i = 0; i < 1_000; i++) await app.inject(`/users/${i}?q=${i}`)
  const series = (await scrape(app)).filter(({ name }) => name === count)
  t.same(series, [{ name: count, labels: { method: 'GET', route: '/users/:id', status_code: '200' }, value: 1_000 }])

  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'MKCOL', 'LOCK', 'SUBSCRIBE', 'SEARCH']
  let sent = 0
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  let answered = 0
  socket.on('data', (data) => {
    answered += data.toString().split('HTTP/1.1 404').length - 1
  })
  while (sent < 10_000) {
    const batch = Array.from({ length: 100 }, () => {
      const method = methods[sent % methods.length]
      return `${method} /${(sent++).toString(36)}/${Math.random()} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`
    })
    socket.write(batch.join(''))
    await waitFor(() => answered === sent, { everyMs: 1 })
  }
  const samples = await scrape(app)
  t.equal(sumOf(samples, count, { route: '__unknown__' }), 10_000)
  const of = (label: string) => [...new Set(samples.flatMap(({ labels }) => labels[label] ?? []))].sort()
  t.same(of('route'), ['/users/:id', '__unknown__'])
  t.same(of('method'), ['DELETE', 'GET', 'PATCH', 'POST', 'PUT', '__other__'])
})

t.test('a route that answers by the not-found handler keeps its name', async (t) => {
  const app = Fastify()
  await app.register(metrics, { runtime: false, http: { status: 'class' } })
  app.get('/:code', (_request, reply) => reply.callNotFound())
  await app.inject('/abc')
  t.equal(sumOf(await scrape(app), count, { route: '/:code', status_code: '4xx' }), 1)
  await app.close()
})

t.test('routes that are left out, by the option and by their own config', async (t) => {
  const app = Fastify()
  await app.register(metrics, { runtime: false, http: { ignore: ['/static/*', /^\/internal/] } })
  const ok = async () => 'ok'
  app.get('/static/*', ok)
  app.get('/internal/:id', ok)
  app.get('/quiet', { config: { metrics: false } }, ok)
  app.get('/compatible', { config: { disableMetrics: true } }, ok)
  app.get('/named/:id', { config: { statsId: 'named' } }, ok)
  for (const url of ['/static/x', '/internal/x', '/quiet', '/compatible', '/named/x']) await app.inject(url)
  const samples = (await scrape(app)).filter(({ name }) => name === count)
  t.same(
    samples.map(({ labels, value }) => [labels.route, value]),
    [['named', 1]],
  )
  for (const [config, name] of [
    [{ metrics: true }, 'config.metrics of route /x'],
    [{ disableMetrics: 'yes' }, 'config.disableMetrics of route /x'],
    [{ statsId: '' }, 'config.statsId of route /x'],
  ] as const) {
    const other = Fastify()
    await other.register(metrics)
    t.throws(() => other.get('/x', { config: config as object }, ok), {
      code: 'ERR_METRICS_OPTION',
      message: new RegExp(name),
    })
  }
  await app.close()
})

t.test('a request that another plugin’s hook has answered before is counted too', async (t) => {
  const app = Fastify()
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers.authorization === undefined) return reply.code(401).send()
  })
  app.addHook('onResponse', () => new Promise((resolve) => setTimeout(resolve, 20)))
  await app.register(metrics, { runtime: false })
  app.get('/a', async () => 'ok')
  await app.inject('/a')
  await app.inject({ url: '/a', headers: { authorization: 'x' } })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await fetch(`${url}/a`, { headers: { authorization: 'x', connection: 'close' } })
  await waitFor(async () => sumOf(await scrape(app), count, { route: '/a' }) === 3)
  const samples = await scrape(app)
  t.equal(sumOf(samples, count, { status_code: '401' }), 1)
  t.equal(
    sumOf(samples, count, { status_code: '200' }),
    2,
    'also where the response is closed before our hook is called',
  )
  t.equal(sumOf(samples, 'http_requests_in_flight'), 0)
  await app.close()
})

t.test('labels of one’s own: a callback that fails, and one with too many values', async (t) => {
  const warnings: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => void warnings.push(line) } } })
  await app.register(metrics, {
    runtime: false,
    maxSeries: 5,
    http: {
      labels: {
        tenant: ({ headers }) => `${headers.tenant}`,
        broken: () => {
          throw new Error('no')
        },
        // Its rejection would end this process.
        late: (async () => {
          throw new Error('no')
        }) as never,
      },
    },
  })
  app.get('/a', async () => 'ok')
  for (let i = 0; i < 20; i++) await app.inject({ url: '/a', headers: { tenant: `${i % 10}` } })
  const samples = await scrape(app)
  t.equal(sumOf(samples, count, { route: '/a', tenant: '3', broken: '', late: '' }), 2)
  t.equal(sumOf(samples, count, { route: '__overflow__', tenant: '__overflow__', status_code: '200' }), 10)
  t.equal(sumOf(samples, count), 20)
  t.equal(sumOf(samples, 'metrics_overflows_total', { metric: 'http_request_duration_seconds' }), 10)
  t.equal(sumOf(samples, 'metrics_faults_total', { part: 'labels' }), 40)
  t.equal(warnings.length, 2, 'told once each')
  await app.close()
})
