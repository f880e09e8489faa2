import dns from 'node:dns'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { forkFixture, freePort, startReceiver, waitFor } from '@steadfast/testing'
import t from 'tap'
import { isPrivate } from '../src/http/addresses.js'
import { email, pagerduty, slack, webhook } from '../src/index.js'
import { startMailServer } from './mail-server.js'
import { down, newFolder, remembering, secret, startApp } from './receivers.js'

t.test('8: the heartbeat is heard as long as the process lives', async (t) => {
  const receiver = await startReceiver()
  t.teardown(() => receiver.release())
  const heartbeat = { url: `${receiver.url}/ping/secret-token`, everyMs: 50 }
  const settings = { url: 'http://127.0.0.1:1', steps: [], options: { heartbeat }, isListening: true }
  const child = await forkFixture(new URL('./fixtures/app.js', import.meta.url), { args: [JSON.stringify(settings)] })
  t.teardown(() => child.release())
  await receiver.whenReceived(5)
  t.match(receiver.received[0], { method: 'GET', url: '/ping/secret-token' })
  child.signal('SIGKILL')
  await child.exit
  // Connections that were made are read to their end; then nothing comes for many times its interval.
  let before = -1
  await waitFor(
    () => {
      const still = receiver.received.length === before
      before = receiver.received.length
      return still
    },
    { everyMs: 500 },
  )
  t.notMatch(child.output(), 'secret-token')
})

t.test('8: a heartbeat that is not heard is said once, and stops with the app', async (t) => {
  const receiver = await startReceiver([{ status: 500 }])
  t.teardown(() => receiver.release())
  const lines: string[] = []
  const app = await startApp(t, { channels: [remembering()], heartbeat: { url: receiver.url, everyMs: 20 } }, lines)
  t.equal(receiver.received.length, 0, 'nor begins before listen()')
  await app.listen({ port: 0, host: '127.0.0.1' })
  await receiver.whenReceived(3)
  await app.close()
  t.equal(lines.filter((line) => line.includes('the heartbeat is not heard')).length, 1)
  // Some may be on their way; then nothing comes for many times its interval.
  let before = -1
  await waitFor(
    () => {
      const still = receiver.received.length === before
      before = receiver.received.length
      return still
    },
    { everyMs: 500 },
  )
})

t.test('10: no secret in a log line, an error, stats, events or a message', async (t) => {
  // It says again all that it is told.
  const receiver = await startReceiver(({ body, url, headers }) => ({
    status: url.startsWith('/services') ? 500 : 400,
    body: `${url} ${body} ${JSON.stringify(headers)}`,
  }))
  const mail = await startMailServer(t, [550])
  t.teardown(() => receiver.release())
  const routingKey = 'R-hidden-"routing"-key'
  const lines: string[] = []
  const dir = await newFolder()
  const memory = remembering()
  const app = await startApp(
    t,
    {
      spool: { dir },
      channels: [
        pagerduty({ routingKey, url: receiver.url, allowPrivate: true }),
        slack({ url: `${receiver.url}/services/T0/hidden-token`, allowPrivate: true }),
        slack({
          name: 'closed',
          url: `http://127.0.0.1:${await freePort()}/services/hidden-token`,
          allowPrivate: true,
        }),
        webhook({ url: `${receiver.url}/hook?token=hidden-token`, secret, allowPrivate: true }),
        email({ smtp: mail.url, from: 'a@example.com', to: 'b@example.com' }),
        memory,
      ],
    },
    lines,
  )
  const seen: unknown[] = []
  for (const event of ['failed', 'delivered', 'dropped', 'fired'] as const) app.alerts.on(event, (d) => seen.push(d))
  await app.alerts.fire(down)
  await waitFor(() => Object.values(app.alerts.stats().channels).filter(({ failed }) => failed > 0).length === 5)
  for (const name of ['pagerduty', 'slack', 'closed', 'webhook', 'email']) {
    const error = await app.alerts.test(name).catch((error) => error)
    if (error) seen.push(error.message, error.stack, JSON.stringify(error))
  }
  seen.push(
    app.alerts.stats(),
    app.alerts.pending(),
    memory.told,
    await readFile(join(dir, 'dead-letters.jsonl'), 'utf8'),
  )
  await app.close()
  const all = `${JSON.stringify(seen)}${lines.join('')}`
  t.match(all, 'answered 400')
  for (const hidden of ['hidden', secret, secret.slice(6), 'p@ssw0rd', 'p%40ssw0rd']) {
    t.notOk(all.includes(hidden), hidden)
  }
})

t.test('10: nor in what is thrown for an option', async (t) => {
  const thrown = (make: () => unknown) => t.throws(make, { code: 'ERR_ALERTS_OPTION' }) as unknown as Error
  const wrong = [
    () => slack({ url: 'hooks/hidden' }),
    () => webhook({ url: 'https://example.com', secret: 'whsec_hidden' }),
    () => webhook({ url: 'example.com/hidden', secret }),
    () => pagerduty({ routingKey: ['hidden'] as never }),
    () => email({ smtp: 'smtp://u:hidden@x', transport: {} as never, from: 'a@b.c', to: 'a@b.c' }),
  ]
  for (const make of wrong) {
    thrown(make)
    try {
      make()
    } catch (error) {
      t.notMatch((error as Error).message, /hidden/)
    }
  }
})

t.test('11: private addresses are refused, as they stand and by name, at connection time', async (t) => {
  const receiver = await startReceiver()
  t.teardown(() => receiver.release())
  const { port } = new URL(receiver.url)
  const { lookup } = dns
  t.teardown(() => Object.assign(dns, { lookup }))
  let asked = 0
  // What a name stands for is asked once for each connection: an answer that was public is none for the next.
  const rebound = (host: string, options: object, callback: (error: null, found: object) => void) => {
    if (!host.startsWith('rebound')) return lookup(host, options, callback as never)
    asked++
    callback(null, [{ address: '127.0.0.1', family: 4 }])
  }
  Object.assign(dns, { lookup: rebound })
  const addresses = ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]']
  for (const address of addresses) {
    const url = `http://${address}:${port}/`
    t.throws(() => webhook({ url, secret }), { code: 'ERR_ALERTS_PRIVATE_ADDRESS' }, address)
    t.throws(() => slack({ url }), { code: 'ERR_ALERTS_PRIVATE_ADDRESS' }, address)
    t.throws(() => pagerduty({ routingKey: 'x', url }), { code: 'ERR_ALERTS_PRIVATE_ADDRESS' }, address)
  }
  const hosts = ['localhost', 'rebound.test']
  const channels = hosts.map((host, n) => webhook({ name: `n${n}`, url: `http://${host}:${port}/`, secret }))
  const app = await startApp(t, { channels })
  const reasons = new Set<string>()
  app.alerts.on('failed', ({ reason, isFinal }) => reasons.add(`${isFinal} ${reason}`))
  await app.alerts.fire(down)
  await waitFor(
    () => Object.values(app.alerts.stats().channels).filter(({ refused }) => refused === 1).length === hosts.length,
  )
  t.same([...reasons], ['true the target has a private address, and allowPrivate is not set'])
  t.ok(asked >= 1)
  t.equal(receiver.received.length, 0)
  await t.rejects(app.alerts.test('n0'), { code: 'ERR_ALERTS_DELIVERY', message: /private/ })
})

t.test('11: which addresses are private', async (t) => {
  const refused = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '224.0.0.1',
  ]
  const refused6 = [
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'fd00::1',
    'fe80::1',
    'ff02::1',
    '255.255.255.255',
  ]
  for (const address of [...refused, ...refused6, 'no address']) t.equal(isPrivate(address), true, address)
  const open = ['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '8.8.8.8']
  for (const address of open) t.equal(isPrivate(address), false, address)
})

t.test('9: a server that takes the connection and never answers', async (t) => {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const hanging = webhook({ url: `http://127.0.0.1:${port}`, secret, allowPrivate: true, deadlineMs: 150 })
  const memory = remembering()
  const app = await startApp(t, { channels: [hanging, memory] })
  await app.alerts.fire(down)
  await waitFor(() => sockets.size >= 2)
  t.equal(memory.told.length, 1)
  t.match(app.alerts.pending(), [{ channel: 'webhook', reason: 'no answer within 150 ms' }])
})
