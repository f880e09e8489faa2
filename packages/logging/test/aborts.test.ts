import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { waitFor } from '@steadfast/testing'
import LatestFastify from 'fastify'
import Oldest from 'fastify-oldest'
import t, { type Test } from 'tap'
import logging, { createLogger, fastifyLogging } from '../src/index.js'
import { type Line, linesOf, logFiles, newFolder } from './log-files.js'

interface AccessLine extends Line {
  level: number
  req: { url: string; remoteAddress?: string }
  res: { statusCode: number; bytes: number }
}

/** Answers at once, hangs, sends a stream, one that never ends, or one that fails half way. */
async function start(t: Test, { copy: Fastify = LatestFastify, http2 = false } = {}) {
  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log'), flushMs: 10 }, console: false })
  const options = { ...fastifyLogging(logger, { fastify: Fastify }), forceCloseConnections: true }
  const app = Fastify({ ...options, ...(http2 && { http2: true }) } as object)
  await app.register(logging, { logger })
  const waiting: (() => void)[] = []
  app.get('/fast', async () => 'ok')
  app.post('/fast', async () => 'ok')
  app.get('/large', (_request, reply) => reply.send(Buffer.alloc(3_000_000)))
  app.get('/hang', async () => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return 'late'
  })
  app.get('/stream', (_request, reply) => reply.send(Readable.from(['x'.repeat(1_000), 'y'.repeat(500)])))
  app.get('/endless', (_request, reply) => {
    waiting.push(() => {})
    const stream = new Readable({ read() {} })
    stream.push('x'.repeat(1_000))
    reply.send(stream)
  })
  app.get('/fails', (_request, reply) => reply.send(Readable.from(failing())))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close().then(() => logger.close()))
  const lines = async (count: number) => {
    const read = async () => {
      await app.logging.flush()
      const all = linesOf(logFiles(folder)) as AccessLine[]
      return all.filter(({ msg }) => msg === 'request completed')
    }
    await waitFor(async () => (await read()).length >= count)
    return read()
  }
  const { port } = app.server.address() as AddressInfo
  return { app, port, waiting, lines }
}

async function* failing(): AsyncGenerator<string> {
  yield 'x'
  await new Promise(setImmediate)
  throw new Error('the source fails')
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`
const said = ({ req, res }: AccessLine) => `${req.url} ${res.statusCode}`

/** Sends these at once, and what is answered. */
function send(t: Test, port: number, ...paths: string[]): { socket: Socket; text(): string } {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  socket.write(paths.map(get).join(''))
  return { socket, text: () => text }
}

for (const [name, copy] of [
  ['the oldest Fastify', Oldest as unknown as typeof LatestFastify],
  ['the latest', LatestFastify],
] as const) {
  t.test(`${name}: pipelined requests have a line each, 499 once their connection is lost`, async (t) => {
    const { port, waiting, lines } = await start(t, { copy })
    for (const [round, how] of (['destroy', 'resetAndDestroy'] as const).entries()) {
      const { socket, text } = send(t, port, '/fast', '/stream?1', '/hang', '/fast?2', '/hang?3')
      await waitFor(() => waiting.length === 2 && /y{500}/.test(text()))
      socket[how]()
      const all = (await lines(5 * (round + 1))).slice(5 * round)
      t.same(all.map(said).sort(), ['/fast 200', '/fast?2 499', '/hang 499', '/hang?3 499', '/stream?1 200'], how)
      for (const answer of waiting.splice(0)) answer()
      await new Promise(setImmediate)
      t.equal((await lines(0)).length, 5 * (round + 1), 'and no line twice')
    }
    t.ok((await lines(0)).every(({ req }) => req.remoteAddress === '127.0.0.1'))
    const { text } = send(t, port, ...Array.from({ length: 30 }, (_, n) => `/fast?n${n}`))
    await waitFor(() => text().split('HTTP/1.1 200').length === 31)
    const fine = (await lines(40)).slice(10)
    t.same(
      fine.map(said),
      fine.map((_, n) => `/fast?n${n} 200`),
    )
    t.ok(fine.every(({ res }) => res.bytes === 2))
  })

  t.test(`${name}: bytes of streams, whole, cut off by the client, or broken off here`, async (t) => {
    const { app, port, waiting, lines } = await start(t, { copy })
    await (await fetch(`http://127.0.0.1:${port}/stream`)).text()
    await app.inject('/stream')
    await fetch(`http://127.0.0.1:${port}/fast`, { method: 'HEAD' })
    const cut = send(t, port, '/fast', '/endless')
    await waitFor(() => waiting.length === 1 && /x{1000}/.test(cut.text()))
    cut.socket.destroy()
    await lines(5)
    const broken = send(t, port, '/fails')
    await waitFor(() => broken.socket.destroyed || broken.socket.readableEnded)
    const all = await lines(6)
    const of = (start: string) => all.filter((line) => said(line).startsWith(start)).map(({ res }) => res.bytes)
    const [sent = 0, injected = 0] = of('/stream 200')
    t.ok(sent >= 1_500 && sent < 1_550, `${sent}: the body and what frames its chunks`)
    t.equal(injected, 1_500)
    t.same(of('/fast 200'), [0, 2], 'HEAD has no body')
    const [before = 0] = of('/endless 499')
    t.ok(before >= 1_000 && before < 1_050)
    const unread = connect(port, '127.0.0.1').on('error', () => {})
    unread
      .resume()
      .write(
        'POST /fast HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n',
      )
    await lines(7)
    t.equal(said((await lines(7)).at(-1)!), '/fast 499', 'what can’t be read is the client’s failure')
    const failed = all.at(-1)
    t.match(failed, { level: 50, req: { url: '/fails' }, res: { statusCode: 500 } })
    if (copy === LatestFastify) t.match(failed, { err: { message: 'the source fails' } })
  })
}

t.test('HTTP/2: whole answers, streams, and those that the client resets or loses', async (t) => {
  const { port, waiting, lines } = await start(t, { http2: true })
  const client = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {})
  t.teardown(() => client.destroy())
  const open = (path: string, session = client) =>
    session
      .request({ ':path': path })
      .on('error', () => {})
      .resume()
  for (const path of ['/fast', '/stream']) await new Promise((resolve) => open(path).on('close', resolve))
  t.same(
    (await lines(2)).map((line) => `${said(line)} ${line.res.bytes}`),
    ['/fast 200 2', '/stream 200 1500'],
  )
  const streams = [open('/hang'), open('/endless')]
  await waitFor(() => waiting.length === 2)
  for (const stream of streams) stream.close(8)
  t.same((await lines(4)).slice(2).map(said).sort(), ['/endless 499', '/hang 499'])
  const lost = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {})
  open('/hang', lost)
  open('/endless', lost)
  await waitFor(() => waiting.length === 4)
  lost.destroy()
  t.same((await lines(6)).slice(4).map(said).sort(), ['/endless 499', '/hang 499'])
  for (const answer of waiting.splice(0)) answer()
  await new Promise(setImmediate)
  t.equal((await lines(0)).length, 6, 'and no line twice')
  const large = open('/large')
  await new Promise((resolve) => large.pause().on('response', resolve))
  large.close(8)
  const all = await lines(7)
  t.equal(said(all[6]!), '/large 499', 'also where all of the answer was handed over')
  t.ok(all.every(({ req }) => req.remoteAddress === '127.0.0.1'))
})
