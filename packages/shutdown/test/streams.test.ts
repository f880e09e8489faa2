import { once } from 'node:events'
import { connect } from 'node:http2'
import { type Child, forkFixture, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import type { ShutdownReport } from '../src/index.js'
import { get, rawClient } from './raw-client.js'

async function start(t: Test, ...args: string[]): Promise<{ child: Child; address: string }> {
  const child = await forkFixture(new URL('./fixtures/streams.js', import.meta.url), { args })
  t.teardown(() => child.release())
  const [, address = ''] = await child.printed(/listening (.*)/)
  return { child, address }
}

t.test('200 WebSockets are closed with 1001, none is cut off', async (t) => {
  const { child, address } = await start(t)
  const codes: number[] = []
  const clients = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const client = new WebSocket(`ws://${address}/socket`)
      client.on('close', (code) => codes.push(code))
      await once(client, 'message')
      return client
    }),
  )
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null })
  await waitFor(() => codes.length === clients.length)
  t.same([...new Set(codes)], [1001])
  t.match(child.reports<ShutdownReport>(), [{ clean: true, connections: { webSockets: 200 } }])
})

t.test('an upgraded connection counts as in flight', async (t) => {
  const { child, address } = await start(t)
  const tunnel = await rawClient(address)
  tunnel.send('GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\n')
  await waitFor(() => tunnel.received().includes('101 Switching'))
  const silent = await rawClient(address)
  child.signal('SIGTERM')
  t.equal(await silent.closed, 'end', 'the grace of what has sent nothing is over')
  tunnel.send('now')
  t.equal(await tunnel.closed, 'end')
  t.match(tunnel.received(), /bye now$/)
  t.same(await child.exit, { code: 0, signal: null })

  const other = await start(t)
  const hung = await rawClient(other.address)
  hung.send('GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\n')
  await waitFor(() => hung.received().includes('101 Switching'))
  other.child.signal('SIGTERM')
  t.same(await other.child.exit, { code: 1, signal: null }, 'it is waited for up to the deadline')
  t.match(other.child.reports(), [{ clean: false, cut: [{ method: 'GET', route: '/tunnel' }] }])
})

t.test('server-sent events end with a retry:', async (t) => {
  const { child, address } = await start(t)
  const clients = await Promise.all(
    ['/hijacked', '/stream', '/quiet'].map(async (path) => {
      const client = await rawClient(address)
      client.send(get(path))
      await waitFor(() => /data: .*\n\n/.test(client.received()))
      return client
    }),
  )
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null }, child.output())
  for (const client of clients) {
    t.equal(await client.closed, 'end')
    t.match(
      client.received(),
      /\n\n\r\n[0-9a-f]+\r\n\nretry: [12]\d\d\d\n\n\r\n0\r\n\r\n$/,
      'the last chunk, and the end',
    )
  }
  t.match(child.reports<ShutdownReport>(), [{ clean: true, errors: [], connections: { eventStreams: 3 } }])
})

t.test('over HTTP/2 too', async (t) => {
  const { child, address } = await start(t, 'http2')
  const session = connect(`http://${address}`)
  const streams = await Promise.all(
    ['/hijacked', '/stream', '/quiet'].map(async (path) => {
      let text = ''
      const stream = session.request({ ':path': path })
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      await waitFor(() => /data: .*\n\n/.test(text))
      return { stream, received: () => text }
    }),
  )
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null }, child.output())
  for (const { stream, received } of streams) {
    await waitFor(() => stream.closed)
    t.equal(stream.rstCode, 0)
    t.match(received(), /\n\n\nretry: [12]\d\d\d\n\n$/)
  }
  t.match(child.reports<ShutdownReport>(), [{ clean: true, errors: [], connections: { eventStreams: 3 } }])
})
