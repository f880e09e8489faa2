import { once } from 'node:events'
import { Agent, get as httpGet } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { constants, createGzip, gunzipSync } from 'node:zlib'
import { waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import shutdown, { type ShutdownOptions, type ShutdownReport } from '../src/index.js'

async function appOf(options: ShutdownOptions): Promise<FastifyInstance> {
  const app = Fastify({ logger: { level: 'silent' } })
  await app.register(shutdown, { signals: false, delayMs: 0, ...options })
  return app
}

async function portOf(app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** A connection of our own making, and all that it has read. */
async function connection(t: Test, port: number) {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  let isEnded = false
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.once('close', () => {
    isEnded = true
  })
  await once(socket, 'connect')
  return { socket, text: () => text, isEnded: () => isEnded }
}

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

t.test('pipelined requests are answered, however their routes answer, and the last says close', async (t) => {
  const app = await appOf({ delayMs: 2_000 })
  app.get('/at-once', (_request, reply) => void reply.send('ok'))
  app.get('/returned', () => ({ ok: true }))
  app.get('/empty', (_request, reply) => void reply.code(204).send())
  app.get('/later', async () => 'ok')
  const port = await portOf(app)
  const report = app.shutdown.begin()
  for (const path of ['/at-once', '/returned', '/empty', '/later', '/not-found']) {
    const { socket, text, isEnded } = await connection(t, port)
    socket.write(request(path).repeat(3))
    await waitFor(isEnded)
    t.equal(text().match(/HTTP\/1\.1 \d/g)?.length, 3, path)
    t.match(text().slice(text().lastIndexOf('HTTP/1.1')), /^connection: close\r$/m, 'the last says close')
    t.equal(text().match(/connection: close/g)?.length, 1, 'and no other')
  }
  t.equal((await report).clean, true)
})

t.test('a connection whose answer ends after the grace is kept as long as any other that is idle', async (t) => {
  const app = await appOf({ preRequestGraceMs: 200, idleSweepMs: 300 })
  let finish = () => {}
  app.get('/download', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-length': 2 }).write('a') // before it is known that the app goes away
    finish = () => reply.raw.end('b')
  })
  app.get('/next', async () => 'next')
  const port = await portOf(app)
  const { socket, text, isEnded } = await connection(t, port)
  socket.write(request('/download'))
  await waitFor(() => text().endsWith('a'))
  const report = app.shutdown.begin()
  await waitFor(() => app.shutdown.state === 'draining')
  await sleep(500) // longer than the grace
  finish()
  await waitFor(() => text().endsWith('b'))
  socket.write(request('/next'))
  await waitFor(isEnded)
  t.match(text(), /next$/)
  t.match(await report, { clean: true, connections: { silent: 0 } })
})

t.test('a plugin that never closes takes nothing from the last phases', async (t) => {
  for (const isByHand of [false, true]) {
    const ran: string[] = []
    const reports: ShutdownReport[] = []
    const app = await appOf({ deadlineMs: 1_500, onReport: (report) => void reports.push(report) })
    app.addHook('onClose', () => new Promise(() => {}))
    app.shutdown.register('client', () => void ran.push('client'), { phase: 'connections', budgetMs: 300 })
    app.shutdown.register('log', () => void ran.push('log'), { phase: 'logs', budgetMs: 300 })
    await portOf(app)
    if (isByHand) void app.close()
    else void app.shutdown.begin()
    await waitFor(() => reports.length > 0)
    t.same(ran, ['client', 'log'])
    t.match(reports[0], { clean: false, deadlineReached: true })
    t.same(
      reports[0]!.hooks.map(({ outcome }) => outcome),
      ['done', 'done'],
    )
  }
})

t.test('a compressed event stream ends as what it is, and one that nobody reads is not waited for', async (t) => {
  const app = await appOf({ deadlineMs: 20_000 })
  app.get('/gzip', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
    const gzip = createGzip()
    gzip.on('data', (chunk) => reply.raw.write(chunk))
    gzip.write('data: 1\n\n')
    gzip.flush()
  })
  let isEndlessAsked = false
  app.get('/endless', (_request, reply) => {
    isEndlessAsked = true
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${'x'.repeat(50_000_000)}\n\n`)
  })
  const port = await portOf(app)
  const chunks: Buffer[] = []
  httpGet({ port, path: '/gzip', agent: new Agent() }, (response) => {
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {})
  })
  const { socket } = await connection(t, port)
  socket.pause().write(request('/endless'))
  const text = () => gunzipSync(Buffer.concat(chunks), { finishFlush: constants.Z_SYNC_FLUSH }).toString()
  await waitFor(() => chunks.length > 0 && text() === 'data: 1\n\n')
  await waitFor(() => isEndlessAsked)
  const startMs = performance.now()
  const report = await app.shutdown.begin()
  t.match(report, { clean: true, deadlineReached: false, connections: { eventStreams: 2 } })
  t.ok(performance.now() - startMs < 10_000)
  t.equal(text(), 'data: 1\n\n', 'nothing but what it compressed itself')
})

t.test('a report that is handed on with a promise does no harm when that fails', async (t) => {
  const app = await appOf({
    onReport: async () => {
      throw new Error('not delivered')
    },
  })
  await portOf(app)
  t.equal((await app.shutdown.begin()).clean, true)
  await new Promise(setImmediate) // an unhandled rejection would have failed the test by now
})

t.test('what is thrown need not be an error, nor even have a text', async (t) => {
  const app = await appOf({})
  app.shutdown.register('odd', () => Promise.reject(Object.create(null)), { phase: 'flush' })
  await portOf(app)
  const { hooks } = await app.shutdown.begin()
  t.match(hooks, [{ name: 'odd', outcome: 'failed', error: { message: '[Object: null prototype] {}' } }])
})

t.test('a deadline that a blocked event loop has missed is not called clean', async (t) => {
  const app = await appOf({ deadlineMs: 200 })
  const block = () => {
    const endMs = performance.now() + 1_000
    while (performance.now() < endMs);
  }
  app.shutdown.register('block', block, { phase: 'flush', budgetMs: 100 })
  await portOf(app)
  t.match(await app.shutdown.begin(), { clean: false, deadlineReached: true })
})
