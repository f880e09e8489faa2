import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { waitFor } from '@steadfast/testing'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t from 'tap'
import alerts from '../src/index.js'
import { Fastify } from './fastify.js'
import { type Memory, remembering } from './receivers.js'

const probe = { config: { steadfast: { probe: true } } as object }
const rules = [{ name: 'errors', severity: 'error', on: 'errorRate', above: 0, windowMs: 1_000, minCount: 6 }] as const

type Step = (app: FastifyInstance) => unknown

function declare(app: FastifyInstance): void {
  app.get('/', async () => Promise.reject(new Error('no')))
  app.get('/livez', probe, async (_request, reply) => reply.code(503).send())
}

/** What is told, and the app that tells it: six failed requests are, five are not. */
async function open(settings: FastifyServerOptions, before: Step, after: Step): Promise<[FastifyInstance, Memory]> {
  const memory = remembering()
  const app = Fastify({ ...settings, logger: false }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  before(app)
  await app.register(alerts, { service: 'app', channels: [memory], rules: [...rules], groupMs: 0 })
  after(app)
  return [app, memory]
}

async function get(url: string): Promise<void> {
  await (await fetch(url)).text()
}

/** Two windows have passed. */
async function quiet(): Promise<void> {
  const startMs = performance.now()
  await waitFor(() => performance.now() - startMs > 2_100, { everyMs: 50 })
}

const nothing = () => {}
const kinds: [name: string, host: string, before: Step, after: Step][] = [
  ['as they come', '127.0.0.1', nothing, declare],
  ['of a second server, for localhost', 'localhost', nothing, declare],
  ['by a hook, for routes that were there before', '127.0.0.1', declare, nothing],
]

for (const [name, host, before, after] of kinds) {
  t.test(`7: requests are counted once, and probes are not: ${name}`, async (t) => {
    const [app, memory] = await open({}, before, after)
    await app.listen({ port: 0, host })
    // That of the last address, which Fastify has made a server of its own for.
    const { address, port, family } = app.addresses().at(-1) as AddressInfo
    const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
    for (let n = 0; n < 5; n++) await get(`${url}/`)
    for (let n = 0; n < 10; n++) await get(`${url}/livez`)
    await quiet()
    t.same(memory.told, [], 'five are too few')
    await Promise.all(Array.from({ length: 6 }, () => get(`${url}/`)))
    await waitFor(() => memory.told.length === 1)
    t.match(memory.told[0]?.alerts[0], { name: 'errors', value: 1 })
  })
}

t.test('7: pipelined requests, each once, and probes among them not', async (t) => {
  const [app, memory] = await open({}, nothing, declare)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const send = async (paths: string[]) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    await once(socket, 'connect')
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))
    await waitFor(() => text.split('HTTP/1.1 5').length === paths.length + 1)
    socket.destroy()
  }
  await send(['/', '/livez', '/', '/livez', '/', '/', '/livez', '/'])
  await quiet()
  t.same(memory.told, [])
  await send(Array.from({ length: 6 }, () => '/'))
  await waitFor(() => memory.told.length === 1)
})

t.test('7: by inject, without a server; and over HTTP/2', async (t) => {
  const [app, memory] = await open({}, nothing, declare)
  await app.ready()
  for (let n = 0; n < 5; n++) await app.inject('/')
  for (let n = 0; n < 5; n++) await app.inject('/livez')
  await quiet()
  t.same(memory.told, [])
  for (let n = 0; n < 6; n++) await app.inject('/')
  await waitFor(() => memory.told.length === 1)

  const [app2, memory2] = await open({ http2: true } as object, nothing, declare)
  await app2.listen({ port: 0, host: '127.0.0.1' })
  const { connect } = await import('node:http2')
  const session = connect(`http://127.0.0.1:${(app2.server.address() as AddressInfo).port}`)
  t.teardown(() => session.destroy())
  for (let n = 0; n < 6; n++) {
    const stream = session.request({ ':path': '/' })
    stream.resume()
    await once(stream, 'close')
  }
  await waitFor(() => memory2.told.length === 1)
})

t.test('7: another server in the process is none of ours, and a part of an app counts its own', async (t) => {
  const [app, memory] = await open({}, nothing, declare)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const other = Fastify()
  t.teardown(() => other.close())
  declare(other as unknown as FastifyInstance)
  const url = await other.listen({ port: 0, host: '127.0.0.1' })
  for (let n = 0; n < 12; n++) await get(`${url}/`)
  await quiet()
  t.same(memory.told, [])

  const parts = Fastify()
  const part = remembering()
  t.teardown(() => parts.close())
  parts.register(async (child) => {
    await child.register(alerts, { service: 'app', channels: [part], rules: [...rules], groupMs: 0 })
    child.get('/part', async () => Promise.reject(new Error('no')))
  })
  declare(parts as unknown as FastifyInstance)
  const partsUrl = await parts.listen({ port: 0, host: '127.0.0.1' })
  for (let n = 0; n < 12; n++) await get(`${partsUrl}/`)
  await quiet()
  t.same(part.told, [])
  await Promise.all(Array.from({ length: 6 }, () => get(`${partsUrl}/part`)))
  await waitFor(() => part.told.length === 1)
})
