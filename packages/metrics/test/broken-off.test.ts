import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { waitFor } from '@steadfast/testing'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import metrics from '../src/index.js'
import { scrape, sumOf } from './exposition.js'
import { Fastify } from './fastify.js'

interface Server {
  app: FastifyInstance
  url: string
  arrived(): number
}

async function start(t: Test, options: object = {}): Promise<Server> {
  const app = Fastify({ ...(options as FastifyServerOptions), forceCloseConnections: true })
  await app.register(metrics, { runtime: false })
  let arrived = 0
  app.addHook('onRequest', async () => void arrived++)
  app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.post('/text', async ({ body }) => `${body}`.length)
  app.get('/hang', () => new Promise(() => {}))
  app.post('/early', (_request, reply) => reply.send('ok'))
  app.get('/large', (_request, reply) => reply.send(Buffer.alloc(3_000_000)))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return { app, url, arrived: () => arrived }
}

/** The requests of a route by their status, once all have ended. */
async function statusesOf(app: FastifyInstance, route: string, all: number): Promise<Record<string, number>> {
  const ended = async () => {
    const samples = (await scrape(app)).filter(({ name }) => name === 'http_request_duration_seconds_count')
    return (sumOf(samples, 'http_request_duration_seconds_count') ?? 0) >= all ? samples : undefined
  }
  const samples = (await waitFor(ended)).filter(({ labels }) => labels.route === route)
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.status_code, value]))
}

t.test(
  'HTTP/2: uploads without a length that are reset, also where the app answers what has come of them',
  async (t) => {
    const { app, url, arrived } = await start(t, { http2: true })
    const client = connectHttp2(url).on('error', () => {})
    t.teardown(() => client.destroy())
    for (const [sent, code] of [2, 8].entries()) {
      const stream = client.request({ ':path': '/text', ':method': 'POST', 'content-type': 'text/plain' })
      stream.on('error', () => {}).write('part')
      await waitFor(() => arrived() === sent + 1)
      stream.close(code)
    }
    t.same(await statusesOf(app, '/text', 2), { 499: 2 })
  },
)

t.test('HTTP/2: a large reply that is cancelled after all of it was handed over', async (t) => {
  const { app, url } = await start(t, { http2: true })
  const client = connectHttp2(url).on('error', () => {})
  t.teardown(() => client.destroy())
  const stream = client.request({ ':path': '/large' }).on('error', () => {})
  await new Promise((resolve) => stream.on('response', resolve))
  stream.close(8)
  t.same(await statusesOf(app, '/large', 1), { 499: 1 })
})

t.test('HTTP/2: a reply before the end of an upload, which the client then gives up, is complete', async (t) => {
  const { app, url } = await start(t, { http2: true })
  const client = connectHttp2(url).on('error', () => {})
  t.teardown(() => client.destroy())
  const stream = client.request({ ':path': '/early', ':method': 'POST' }).on('error', () => {})
  stream.write('part')
  await new Promise((resolve) => stream.resume().on('end', resolve))
  stream.close(8)
  t.same(await statusesOf(app, '/early', 1), { 200: 1 })
})

t.test('HTTP/1.1: what can’t be read, or comes too late, is the client’s failure', async (t) => {
  const head = 'POST /text HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n'
  const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
  const cases: [what: string, text: string, status: number, route: string][] = [
    ['a chunk without a size', `${head}transfer-encoding: chunked\r\n\r\nZZ\r\nabc\r\n`, 400, '/text'],
    ['a request behind one that closes', get('/hang', 'connection: close\r\n') + get('/'), 400, '/hang'],
    ['a body that does not come', `${head}content-length: 9\r\n\r\n`, 408, '/text'],
  ]
  for (const [what, text, status, route] of cases) {
    const options = { requestTimeout: 300, http: { headersTimeout: 300, connectionsCheckingInterval: 50 } }
    const { app, url } = await start(t, status === 408 ? options : {})
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    let answer = ''
    socket.on('data', (data) => {
      answer += data
    })
    socket.write(text)
    await waitFor(() => socket.closed)
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), what)
    t.same(await statusesOf(app, route, 1), { 499: 1 }, what)
  }
})

t.test('a request that one app hands over to another is counted by each, once', async (t) => {
  for (const http of [{}, { sizes: true, ttfb: true }]) {
    const inner = Fastify()
    await inner.register(metrics, { runtime: false, http })
    inner.get('/', async () => 'inner')
    await inner.listen({ port: 0, host: '127.0.0.1' })
    const outer = Fastify()
    await outer.register(metrics, { runtime: false, http })
    outer.get('/', (request, reply) => {
      reply.hijack()
      inner.routing(request.raw, reply.raw)
    })
    const url = await outer.listen({ port: 0, host: '127.0.0.1' })
    t.teardown(() => Promise.all([inner.close(), outer.close()]))
    for (let i = 0; i < 3; i++) t.equal(await (await fetch(url)).text(), 'inner')
    for (const app of [inner, outer]) {
      t.same(await statusesOf(app, '/', 3), { 200: 3 })
      const samples = await scrape(app)
      t.equal(sumOf(samples, 'http_requests_in_flight'), 0)
      if (http.sizes) t.equal(sumOf(samples, 'http_response_size_bytes_sum'), 15)
    }
  }
})
