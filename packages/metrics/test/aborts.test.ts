import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@steadfast/testing'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import metrics from '../src/index.js'
import { scrape, sumOf } from './exposition.js'
import { Fastify } from './fastify.js'

const count = 'http_request_duration_seconds_count'
const aborted = 'http_requests_aborted_total'

interface App {
  app: FastifyInstance
  port: number
  /** Ends the requests that hang. */
  let(): void
  /** How many hang in the handler, and how many streams have begun. */
  hanging(): number
  streaming(): number
}

/** Answers at once, hangs, or sends a stream that does not end. */
async function start(t: Test, options: { http2?: true } = {}): Promise<App> {
  const app = Fastify({ ...(options as object), forceCloseConnections: true })
  await app.register(metrics, { runtime: false, http: { sizes: true, ttfb: true } })
  const waiting: (() => void)[] = []
  let [hanging, streaming] = [0, 0]
  const hang = async () => {
    hanging++
    await new Promise<void>((resolve) => waiting.push(resolve))
    return 'late'
  }
  app.get('/fast', async () => 'ok')
  app.get('/hang', hang)
  app.post('/hang', hang)
  app.get('/stream', (_request, reply) => {
    reply.send(new Readable({ read() {} }).wrap(endless()))
    streaming++
  })
  app.get('/fails', (_request, reply) => {
    reply.send(Readable.from(failing()))
  })
  app.get('/given-up', (_request, reply) => {
    reply.send(endless())
    setTimeout(() => reply.raw.destroy(), 50)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return {
    app,
    port: (app.server.address() as { port: number }).port,
    let: () => {
      for (const resume of waiting.splice(0)) resume()
    },
    hanging: () => hanging,
    streaming: () => streaming,
  }
}

function endless(): Readable {
  return Readable.from(chunks())
}

async function* chunks(): AsyncGenerator<string> {
  for (;;) {
    yield 'x'.repeat(1_000)
    await sleep(5)
  }
}

async function* failing(): AsyncGenerator<string> {
  yield 'x'
  await sleep(10)
  throw new Error('the source fails')
}

async function counts(app: FastifyInstance) {
  const samples = await scrape(app)
  const of = (name: string, labels: Record<string, string> = {}) => sumOf(samples, name, labels) ?? 0
  return {
    complete: of(count, { status_code: '200' }),
    before: of(aborted, { phase: 'before_reply', by: 'client' }),
    during: of(aborted, { phase: 'during_reply', by: 'client' }),
    byServer: of(aborted, { by: 'server' }),
    status499: of(count, { status_code: '499' }),
    status500: of(count, { status_code: '500' }),
    all: of(count),
    inFlight: of('http_requests_in_flight'),
  }
}

const mixed = {
  complete: 800,
  before: 100,
  during: 100,
  byServer: 0,
  status499: 200,
  status500: 0,
  all: 1_000,
  inFlight: 0,
}

async function expectMixed(t: Test, { app, let: resume }: App): Promise<void> {
  await waitFor(async () => (await counts(app)).inFlight === 0).catch(() => {})
  t.same(await counts(app), mixed)
  resume() // handlers that answer a client that is gone
  await sleep(50)
  t.same(await counts(app), mixed, 'and not twice')
}

t.test('HTTP/1.1: 1,000 requests, 200 of them aborted', async (t) => {
  const server = await start(t)
  const { app, port, hanging, streaming } = server
  const request = (method: string, path: string, body = '') =>
    `${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const lose = async (texts: string[], isReady: () => boolean, how: 'end' | 'reset') => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.resume()
    socket.write(texts.join(''))
    await waitFor(isReady)
    if (how === 'reset') socket.resetAndDestroy()
    else socket.destroy()
  }
  for (let i = 0; i < 700; i++) await (await fetch(`http://127.0.0.1:${port}/fast`)).text()
  for (let i = 0; i < 50; i++) {
    await (await fetch(`http://127.0.0.1:${port}/fast`, { headers: { connection: 'close' } })).text()
  }
  // Pipelined, all answered.
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  socket.write(request('GET', '/fast').repeat(50))
  await waitFor(() => text.split('HTTP/1.1 200').length === 51)
  socket.destroy()

  // Before the reply: alone, after a body that was read, and pipelined behind one that hangs, of which one is answered already.
  let [hung, streams] = [0, 0]
  for (let i = 0; i < 20; i++) {
    const how = i % 2 ? 'end' : 'reset'
    await lose([request('GET', '/hang')], () => hanging() > hung, how)
    await lose([request('POST', '/hang', 'body')], () => hanging() > hung + 1, how)
    const pipeline = [request('GET', '/hang'), request('POST', '/hang', 'body'), request('GET', '/fast')]
    await lose(pipeline, () => hanging() > hung + 3, how)
    hung += 4
  }
  for (let i = 0; i < 100; i++) {
    await lose([request('GET', '/stream')], () => streaming() > streams, i % 2 ? 'end' : 'reset')
    streams++
  }
  await expectMixed(t, server)
  const samples = await scrape(app)
  t.equal(sumOf(samples, 'http_response_size_bytes_count'), 1_000)
  t.ok(sumOf(samples, 'http_request_size_bytes_count'))
})

t.test('HTTP/2: 1,000 requests, 200 of them aborted', async (t) => {
  const server = await start(t, { http2: true })
  const { port, hanging, streaming } = server
  const url = `http://127.0.0.1:${port}`
  const client = connectHttp2(url).on('error', () => {})
  t.teardown(() => client.destroy())
  const open = (path: string, body?: string, session = client) => {
    const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET', 'content-type': 'text/plain' })
    stream.on('error', () => {}).resume()
    stream.end(body)
    return stream
  }
  for (let i = 0; i < 800; i++) await new Promise((resolve) => open('/fast').on('close', resolve))
  let [hung, streams] = [0, 0]
  for (let i = 0; i < 45; i++) {
    const [get, post] = [open('/hang'), open('/hang', 'body')]
    hung += 2
    await waitFor(() => hanging() === hung)
    get.close(8)
    post.close(i % 2 ? 8 : 2)
    const stream = open('/stream')
    const other = open('/stream')
    streams += 2
    await waitFor(() => streaming() === streams)
    stream.close(8)
    other.close(8)
  }
  const lost = connectHttp2(url).on('error', () => {})
  for (let i = 0; i < 10; i++) [open('/hang', undefined, lost), open('/stream', undefined, lost)]
  await waitFor(() => hanging() === hung + 10 && streaming() === streams + 10)
  lost.destroy()
  await expectMixed(t, server)
})

t.test('inject: 1,000 requests, 200 of them aborted', async (t) => {
  const server = await start(t)
  const { app, hanging, streaming } = server
  for (let i = 0; i < 800; i++) await app.inject('/fast')
  for (const [url, isReady] of [
    ['/hang', (i: number) => hanging() > i],
    ['/stream', (i: number) => streaming() > i],
  ] as const) {
    for (let i = 0; i < 100; i++) {
      const controller = new AbortController()
      const answer = app.inject({ url, signal: controller.signal })
      await waitFor(() => isReady(i), { everyMs: 1 })
      if (url === '/stream') await sleep(1) // its first chunk
      controller.abort()
      await t.rejects(answer)
    }
  }
  await expectMixed(t, server)
})

t.test('a reply that the server breaks off is its failure: 500', async (t) => {
  for (const options of [{}, { http2: true } as const]) {
    const { app, port, let: resume, hanging } = await start(t, options)
    const client = options.http2 && connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {})
    t.teardown(() => client?.destroy())
    const ask = (path: string) =>
      client
        ? new Promise((resolve) =>
            client
              .request({ ':path': path })
              .on('error', () => {})
              .on('close', resolve)
              .resume(),
          )
        : fetch(`http://127.0.0.1:${port}${path}`)
            .then((response) => response.text())
            .catch(() => {})
    await ask('/fails')
    await ask('/given-up')
    await waitFor(async () => (await counts(app)).inFlight === 0)
    t.match(await counts(app), { byServer: 2, status500: 2, status499: 0, all: 2, inFlight: 0 })
    if (options.http2) continue
    const answer = ask('/hang')
    await waitFor(() => hanging() === 1)
    t.equal((await counts(app)).inFlight, 1)
    ;(app.server as unknown as { closeAllConnections(): void }).closeAllConnections()
    await answer
    await waitFor(async () => (await counts(app)).byServer === 3)
    resume()
  }
})

t.test('a client that goes while a hook before ours takes its time', async (t) => {
  for (const http2 of [false, true]) {
    const app = Fastify({ ...((http2 ? { http2 } : {}) as object), forceCloseConnections: true })
    t.teardown(() => app.close())
    let [arrived, lost] = [0, 0]
    let resume = () => {}
    app.addHook('onRequest', async (_request, reply) => {
      arrived++
      reply.raw.on('close', () => lost++)
      await new Promise<void>((resolve) => {
        resume = resolve
      })
    })
    await app.register(metrics, { runtime: false })
    app.get('/a', async () => 'ok')
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    if (http2) {
      const client = connectHttp2(url)
      t.teardown(() => client.destroy())
      const stream = client.request({ ':path': '/a' }).on('error', () => {})
      await waitFor(() => arrived === 1)
      stream.close(8)
    } else {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n')
      await waitFor(() => arrived === 1)
      socket.destroy()
    }
    await waitFor(() => lost === 1)
    resume()
    await waitFor(async () => (await counts(app)).all === 1)
    t.match(await counts(app), { before: 1, status499: 1, all: 1, inFlight: 0 }, `HTTP/${http2 ? 2 : 1}`)
  }
})
