import { once } from 'node:events'
import { waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import shutdown, { type ShutdownOptions, type ShutdownReport } from '../src/index.js'
import { get, type RawClient, rawClient } from './raw-client.js'

interface Running {
  app: FastifyInstance
  /** Of requests to /wait, in the order in which they came. */
  waiting: FastifyReply[]
  open(): Promise<RawClient>
  reports: ShutdownReport[]
}

async function start(t: Test, options: ShutdownOptions = {}): Promise<Running> {
  const app = Fastify()
  const reports: ShutdownReport[] = []
  const waiting: FastifyReply[] = []
  t.teardown(() => app.close())
  // A route of a part that was there first is honoured like any other.
  await app.register(async (part) => {
    part.get('/wait', (_request, reply) => void waiting.push(reply))
  })
  await app.register(shutdown, { ...options, onReport: (report) => reports.push(report) })
  app.get('/', async () => 'ok')
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, waiting, reports, open: () => rawClient(app.listeningOrigin.replace('http://', '')) }
}

t.test('pipelined requests: each gets its answer, the last says that it is the last', async (t) => {
  const { app, waiting, open } = await start(t)
  const client = await open()
  client.send(get('/wait') + get('/wait'))
  await waitFor(() => waiting.length === 2)
  const closing = app.close()
  await waitFor(() => app.shutdown.state === 'draining')
  client.send(get('/wait'))
  await waitFor(() => waiting.length === 3)
  for (const [i, reply] of waiting.entries()) reply.send(`answer ${i}`)
  await closing
  t.equal(await client.closed, 'end')
  const answers = client.received().split(/(?=HTTP\/1\.1 200)/)
  t.same(
    answers.map((answer) => /answer \d/.exec(answer)?.[0]),
    ['answer 0', 'answer 1', 'answer 2'],
  )
  t.same(
    answers.map((answer) => /connection: close/i.test(answer)),
    [false, false, true],
  )
})

t.test('a kept connection that goes on asking is served until it is told', async (t) => {
  const { app, open, reports } = await start(t, { idleSweepMs: 500 })
  const [busy, idle] = await Promise.all([open(), open()])
  for (const client of [busy, idle]) {
    client.send(get('/'))
    await waitFor(() => client.received().endsWith('ok'))
  }
  const closing = app.close()
  await waitFor(() => app.shutdown.state === 'draining')
  await waitFor(() => !app.server.listening)
  busy.send(get('/'))
  t.equal(await busy.closed, 'end')
  t.match(busy.received(), /ok.*HTTP\/1.1 200.*connection: close.*ok$/is, 'with 200: Fastify refuses nothing yet')
  t.equal(await idle.closed, 'end')
  await closing
  t.match(reports, [{ clean: true, connections: { idle: 1, silent: 0 } }])
})

t.test('an answer whose headers were out, and half of the next request, hold nothing up', async (t) => {
  const { app, waiting, open, reports } = await start(t, { preRequestGraceMs: 300 })
  const [begun, half] = await Promise.all([open(), open()])
  begun.send(get('/wait'))
  await waitFor(() => waiting.length === 1)
  const { raw } = waiting[0]!.hijack()
  raw.writeHead(200, { 'content-length': 4 })
  raw.write('be')
  await waitFor(() => begun.received().endsWith('be'))
  half.send(get('/'))
  await waitFor(() => half.received().endsWith('ok'))
  const closing = app.close()
  await waitFor(() => !app.server.listening)
  half.send('GET / HTTP/1.1\r\n')
  raw.end('gu')
  await closing
  t.match(begun.received(), /connection: keep-alive.*begu$/is)
  t.same([await begun.closed, await half.closed], ['end', 'end'])
  t.match(reports, [{ clean: true, cut: [], connections: { idle: 1, silent: 1 } }])
})

t.test('what a client left behind is not waited for; a request that waits for its body is', async (t) => {
  const { app, waiting, open } = await start(t)
  const [gone, slow] = await Promise.all([open(), open()])
  gone.send(get('/wait'))
  await waitFor(() => waiting.length === 1)
  const arrived = once(app.server, 'request') // a listener of somebody else changes nothing
  slow.send('POST /none HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n')
  await arrived
  gone.socket.destroy()
  const closing = app.close()
  await waitFor(() => !app.server.listening)
  slow.send('{}')
  await closing
  t.equal(await slow.closed, 'end')
  t.match(slow.received(), /^HTTP\/1.1 404.*connection: close/is)
})

t.test('an upgrade that nobody handles stays a request', async (t) => {
  const { open } = await start(t)
  const client = await open()
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n')
  await waitFor(() => client.received().endsWith('ok'))
})

t.test(
  'at the deadline what hangs is cut and named as it was declared, and the flush still has its time',
  async (t) => {
    const { app, open, waiting, reports } = await start(t, { deadlineMs: 2_000 })
    const flushedMs: number[] = []
    const beganMs = performance.now()
    app.shutdown.register('flush', () => flushedMs.push(performance.now() - beganMs), {
      phase: 'flush',
      budgetMs: 800,
    })
    const client = await open()
    client.send(get('/wait?token=secret'))
    await waitFor(() => waiting.length === 1)
    await app.close()
    t.match(await client.closed, /end|ECONNRESET/)
    t.match(reports, [{ clean: false, deadlineReached: true, cut: [{ method: 'GET', route: '/wait' }] }])
    t.match(reports[0]!.hooks, [{ name: 'flush', outcome: 'done' }])
    t.ok(
      flushedMs[0]! >= 1_190 && flushedMs[0]! < 2_000,
      `cut ${flushedMs[0]} ms after the beginning: its budget was kept free`,
    )
  },
)
