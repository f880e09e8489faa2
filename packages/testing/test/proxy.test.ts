import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { startProxy, type TcpProxy, waitFor } from '../src/index.js'

/** An echo server with a proxy before it, and clients that note what comes back and how they end. */
async function setUp(t: Test): Promise<{ proxy: TcpProxy; open: () => Promise<Client> }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket).on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await startProxy(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const clients: Client[] = []
  t.teardown(async () => {
    for (const { socket } of clients) socket.destroy()
    await proxy.release()
    server.close()
  })
  return {
    proxy,
    async open() {
      const client = new Client(connect(proxy.port, '127.0.0.1'))
      clients.push(client)
      await once(client.socket, 'connect')
      return client
    },
  }
}

class Client {
  received = ''
  end: string | undefined
  readonly socket: Socket
  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8').on('data', (text) => {
      this.received += text
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.end = error.code
    })
    socket.on('end', () => {
      this.end ??= 'end'
    })
  }
  async echoes(text: string): Promise<void> {
    this.socket.write(text)
    await waitFor(() => this.received.includes(text), { what: `the echo of ${text}` })
  }
}

t.test('it passes data and ends through', async (t) => {
  const { proxy, open } = await setUp(t)
  t.equal(proxy.through('redis://user:pw@elsewhere:1/2'), `redis://user:pw@127.0.0.1:${proxy.port}/2`)
  const client = await open()
  await client.echoes('a')
  t.equal(proxy.connections(), 1)
  client.socket.end()
  await waitFor(() => client.end === 'end')
  await waitFor(() => proxy.connections() === 0)
})

t.test('cut resets what is open and takes new connections', async (t) => {
  const { proxy, open } = await setUp(t)
  const client = await open()
  await client.echoes('a')
  proxy.cut()
  await waitFor(() => client.end === 'ECONNRESET')
  await (await open()).echoes('b')
})

t.test('half-open: silence both ways, for old connections and new ones', async (t) => {
  const { proxy, open } = await setUp(t)
  const old = await open()
  await old.echoes('a')
  proxy.halfOpen()
  const fresh = await open()
  old.socket.write('lost')
  fresh.socket.write('lost')
  await proxy.restore()
  await (await open()).echoes('c')
  t.equal(old.received, 'a')
  t.equal(fresh.received, '')
  t.equal(old.end, undefined, 'nobody was told')
  t.equal(fresh.end, undefined)
})

t.test('delay: later, in order, and undone by restore', async (t) => {
  const { proxy, open } = await setUp(t)
  const client = await open()
  proxy.delay(60)
  const startMs = performance.now()
  client.socket.write('1')
  await waitFor(() => client.received === '1')
  t.ok(performance.now() - startMs >= 110, 'there and back')
  client.socket.write('2')
  await new Promise((resolve) => setTimeout(resolve, 30)) // it is at the proxy now, and held there
  await proxy.restore()
  await client.echoes('3')
  t.equal(client.received, '123', 'what was sent without a delay does not overtake')
})

t.test('a client that does not read holds up who sends, and gets it all in the end', async (t) => {
  const size = 50_000_000
  let sent = 0
  const server = createServer((socket) => {
    const chunk = Buffer.alloc(1_000_000, 'x')
    const write = () => {
      while (sent < size) {
        sent += chunk.length
        if (!socket.write(chunk)) return void socket.once('drain', write)
      }
      socket.end()
    }
    socket.on('error', () => {})
    write()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await startProxy(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const socket = connect(proxy.port, '127.0.0.1').pause()
  t.teardown(async () => {
    socket.destroy()
    await proxy.release()
    server.close()
  })
  let before = 0
  const isHeldUp = () => {
    const isStill = sent > 0 && sent === before
    before = sent
    return isStill
  }
  await waitFor(isHeldUp, { everyMs: 200 })
  t.ok(sent < size, `${sent} bytes sent`)
  let received = 0
  socket.on('data', (data) => {
    received += data.length
  })
  socket.resume()
  await once(socket, 'end')
  t.equal(received, size)
})

t.test('refuse: nothing listens until restore', async (t) => {
  const { proxy, open } = await setUp(t)
  const client = await open()
  await client.echoes('a')
  await proxy.refuse()
  await waitFor(() => client.end === 'ECONNRESET')
  await t.rejects(open(), { code: 'ECONNREFUSED' })
  await proxy.restore()
  await (await open()).echoes('b')
})

t.test('a target that is down resets the client', async (t) => {
  const proxy = await startProxy('redis://127.0.0.1:1')
  t.teardown(() => proxy.release())
  const client = new Client(connect(proxy.port, '127.0.0.1'))
  await waitFor(() => client.end === 'ECONNRESET')
})
