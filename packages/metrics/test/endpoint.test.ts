import { createServer } from 'node:http'
import { checkProbeRoutes, freePort, waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import metrics, { type MetricsOptions } from '../src/index.js'
import { scrape, sumOf } from './exposition.js'

const count = 'http_request_duration_seconds_count'

async function serve(t: Test, options: MetricsOptions): Promise<{ app: FastifyInstance; url: string }> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(metrics, options)
  app.get('/a', async () => 'ok')
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

t.test('a port of its own, which has the metrics alone', async (t) => {
  const port = await freePort()
  const { app, url } = await serve(t, { endpoint: { port, host: '127.0.0.1', bearer: 'secret' } })
  const own = `http://127.0.0.1:${port}`
  const headers = { authorization: 'Bearer secret' }
  t.equal((await fetch(`${url}/metrics`)).status, 404, 'the app has no such route')
  const answer = await fetch(`${own}/metrics`, { headers })
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.match(await answer.text(), /^http_requests_in_flight 0$/m)
  for (const authorization of ['', 'Bearer wrong', 'Basic secret', 'Bearer  ']) {
    const refused = await fetch(`${own}/metrics`, { headers: { authorization } })
    t.same([refused.status, refused.headers.get('www-authenticate')], [401, 'Bearer'])
    t.match(await refused.json(), { code: 'ERR_METRICS_UNAUTHORIZED' })
  }
  t.equal((await fetch(`${own}/a`, { headers })).status, 404)
  t.equal((await fetch(`${own}/metrics`, { headers, method: 'POST' })).status, 405)
  t.equal(sumOf(await scrape(app), count), 1, 'the 404 of the app alone is traffic')
  await app.close()
  await t.rejects(fetch(own), 'it ends with the app')
})

t.test('on the app’s port: who may, and no traffic', async (t) => {
  const { app, url } = await serve(t, { endpoint: { path: '/m', bearer: 'secret', allow: ['127.0.0.0/8'] } })
  t.equal((await fetch(`${url}/m`, { headers: { authorization: 'Bearer wrong' } })).status, 401)
  t.equal((await fetch(`${url}/m`)).headers.get('www-authenticate'), 'Bearer')
  t.equal((await fetch(`${url}/m`, { headers: { authorization: 'Bearer secret' } })).status, 200)
  t.equal(sumOf(await scrape(app), count), undefined, 'scrapes are not counted')
  t.equal(sumOf(await scrape(app), 'http_requests_in_flight'), 0)
  const other = await serve(t, { endpoint: { allow: ['10.0.0.0/8', '::1'] } })
  const refused = await fetch(`${other.url}/metrics`)
  t.same([refused.status, ((await refused.json()) as { code: string }).code], [403, 'ERR_METRICS_FORBIDDEN'])
  const none = await serve(t, { endpoint: false })
  t.equal((await fetch(`${none.url}/metrics`)).status, 404)
  const text = await serve(t, { endpoint: '/elsewhere' })
  t.equal((await fetch(`${text.url}/elsewhere`)).status, 200)
})

t.test('probes are no traffic', async (t) => {
  await t.resolves(
    checkProbeRoutes(
      (app) => app.register(metrics),
      async (app) => sumOf(await scrape(app), count) ?? 0,
    ),
  )
})

t.test('a port that is taken: an error in the log that says so, and the app serves', async (t) => {
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  t.teardown(() => other.close())
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'error', stream: { write: (line: string) => void lines.push(line) } } })
  t.teardown(() => app.close())
  await app.register(metrics, { endpoint: { port, host: '127.0.0.1' } })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await waitFor(() => lines.some((line) => line.includes('ERR_METRICS_LISTEN')))
  t.match(lines[0], `port ${port}`)
  t.equal((await fetch(url)).status, 404)
})

t.test('twenty apps in a process don’t see each other', async (t) => {
  const apps = await Promise.all(Array.from({ length: 20 }, () => serve(t, {})))
  for (const [i, { app, url }] of apps.entries()) {
    const own = new app.metrics.client.Counter({ name: 'own_total', help: 'Own.' })
    app.metrics.counter({ name: 'mine_total', help: 'Mine.' }).inc(i)
    own.inc(i)
    for (let n = 0; n < i; n++) await fetch(`${url}/a`)
  }
  for (const [i, { app }] of apps.entries()) {
    const samples = await scrape(app)
    t.same(
      ['own_total', 'mine_total', count].map((name) => sumOf(samples, name) ?? 0),
      [i, i, i],
    )
  }
})

t.test('registering twice', async (t) => {
  const app = Fastify()
  await app.register(metrics)
  await t.rejects(async () => await app.register(metrics), { code: 'ERR_METRICS_REGISTERED_TWICE' })
  const sides = Fastify()
  sides.register(async (context) => void (await context.register(metrics)))
  sides.register(async (context) => void (await context.register(metrics)), { prefix: '/b' })
  await t.rejects(async () => await sides.ready(), { code: 'ERR_METRICS_REGISTERED_TWICE' }, 'side by side neither')
})
