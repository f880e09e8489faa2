import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { type Child, forkFixture, nodeBinary, nodeMajors, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { ShutdownReport } from '../src/index.js'
import { get, type RawClient, rawClient } from './raw-client.js'

const fixture = new URL('./fixtures/five-sockets.js', import.meta.url)

for (const major of nodeMajors) {
  for (const fastify of ['oldest', '5.10', 'latest']) {
    t.test(`Node ${major}, Fastify ${fastify}: every kind of connection at SIGTERM`, async (t) => {
      const child = await forkFixture(fixture, { args: [fastify], node: nodeBinary(major) })
      t.teardown(() => child.release())
      const [, urls = ''] = await child.printed(/listening (.*)/)
      const { http, https, http2 } = JSON.parse(urls) as Record<'http' | 'https' | 'http2', string[]>
      t.equal(http.length, 2, 'localhost has a second server')

      const checks = await Promise.all([
        ...http.map((address) => fiveSockets(address, false)),
        fiveSockets(https[0]!, true),
        twoSessions(http2[0]!),
      ])
      const inFlight = checks.length
      await waitFor(() => child.output().match(/in flight/g)?.length === inFlight)
      child.signal('SIGTERM')
      const signalledMs = performance.now()
      await waitFor(() => child.output().match(/draining/g)?.length === 3)
      await Promise.all(checks.map((check) => check(t)))
      t.same(await child.exit, { code: 0, signal: null }, child.output())
      t.ok(performance.now() - signalledMs < 5 * 1_500)
      checkReports(t, child)
    })
  }
}

function checkReports(t: Test, child: Child): void {
  const reports = child.reports<ShutdownReport>()
  t.equal(reports.length, 3, 'one an app')
  for (const { clean, reason, durationMs } of reports) {
    t.match({ clean, reason }, { clean: true, reason: 'SIGTERM' })
    t.ok(durationMs <= 1_600, `closed after ${durationMs} ms`)
  }
}

type Check = (t: Test) => Promise<void>

/** Opens them; what comes back sends what is to come after the signal, and checks how each ends. */
async function fiveSockets(address: string, isTls: boolean): Promise<Check> {
  const open = () => rawClient(address, { isTls })
  const [fresh, idle, inFlight, neverSent, halfSent] = await Promise.all([open(), open(), open(), open(), open()])
  const noHandshake = isTls ? [await rawClient(address)] : []
  idle.send(get('/'))
  await waitFor(() => idle.received().endsWith('ok'))
  inFlight.send(get('/slow'))
  halfSent.send('GET / HTTP/1.1\r\nHost: a\r\n')
  const received = idle.received()
  return async (t) => {
    fresh.send(get('/'))
    await answered(t, fresh, 'ok')
    await answered(t, inFlight, 'slow')
    for (const client of [idle, neverSent, halfSent, ...noHandshake]) {
      t.equal(await client.closed, 'end', 'closed, not reset')
    }
    t.equal(idle.received(), received, 'the idle one got nothing more')
    t.notMatch(received, /^connection: close/im)
  }
}

async function answered(t: Test, client: RawClient, body: string): Promise<void> {
  t.equal(await client.closed, 'end')
  t.match(client.received(), /^HTTP\/1.1 200 /)
  t.match(client.received(), /^connection: close\r$/im)
  t.ok(client.received().endsWith(`\r\n\r\n${body}`), client.received())
}

/** One with a request in flight, one that is idle; and a connection on which HTTP/2 never begins. */
async function twoSessions(address: string): Promise<Check> {
  const sessions = await Promise.all(['/slow', '/'].map((path) => session(address, path)))
  const silent = await rawClient(address)
  await waitFor(() => sessions[1]!.received() === 'ok')
  return async (t) => {
    for (const { closed, goaway, received } of sessions) {
      await closed
      t.equal(goaway(), constants.NGHTTP2_NO_ERROR, 'told to go away, without an error')
      t.match(received(), /^(ok|slow)$/)
    }
    t.equal(sessions[0]?.received(), 'slow')
    t.equal(await silent.closed, 'end')
  }
}

async function session(
  address: string,
  path: string,
): Promise<{ closed: Promise<unknown>; goaway(): number | undefined; received(): string }> {
  const client: ClientHttp2Session = connect(`http://${address}`)
  let goaway: number | undefined
  let text = ''
  client.on('goaway', (code: number) => {
    goaway = code
  })
  await once(client, 'connect')
  const stream = client.request({ ':path': path })
  stream.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return { closed: once(client, 'close'), goaway: () => goaway, received: () => text }
}
