import { BlockList, isIPv6 } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { clientKey } from '../src/address/client-key.js'
import { parseIPv4, parseIPv6 } from '../src/address/parse.js'
import { AddressRanges } from '../src/address/ranges.js'
import limiter from '../src/index.js'
import { Fastify } from './fastify.js'
import { appWith, codes } from './serve.js'
import { seeded } from './stores/contract.js'

const windowMs = 60_000
const refuse = (range: unknown): never => {
  throw new Error(`refused ${range}`)
}

t.test('8. addresses are read as Node does', async (t) => {
  const random = seeded(8)
  const groups = new Uint16Array(8)
  const pick = (from: string[]) => from[Math.floor(random() * from.length)]!
  const parts = ['0', '1', 'f', 'ffff', '12345', 'abc', 'G', '', '::', ':', '1.2.3.4', '256.1.1.1']
  for (let i = 0; i < 200_000; i++) {
    const text = Array.from({ length: 1 + Math.floor(random() * 16) }, () => (random() < 0.5 ? ':' : pick(parts)))
      .concat(random() < 0.1 ? '%eth0' : '')
      .join('')
    if (parseIPv6(text, groups) !== isIPv6(text)) return t.fail(`${text} is${isIPv6(text) ? '' : ' not'} an address`)
  }
  for (const [text, expected] of [
    ['::', [0, 0, 0, 0, 0, 0, 0, 0]],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 1]],
    ['2001:DB8::8:0', [0x2001, 0xdb8, 0, 0, 0, 0, 8, 0]],
    ['1:2:3:4:5:6:7:8', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['1::', [1, 0, 0, 0, 0, 0, 0, 0]],
    ['::ffff:1.2.3.4', [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304]],
    ['fe80::1%eth0', [0xfe80, 0, 0, 0, 0, 0, 0, 1]],
  ] as const) {
    t.equal(parseIPv6(text, groups), true, text)
    t.same([...groups], expected)
  }
  t.equal(parseIPv4('255.255.255.255'), 4_294_967_295)
  t.equal(parseIPv4('1.2.3.04'), -1)
})

t.test('8. 256 addresses of one /64 share a bucket, and IPv4-mapped IPv6 is IPv4', async (t) => {
  const app = await appWith(t, { limit: 10, windowMs })
  const from = async (remoteAddress: string) => (await app.inject({ url: '/', remoteAddress })).statusCode
  const answers = []
  for (let i = 0; i < 256; i++) answers.push(await from(`2001:db8:1:2:${i.toString(16)}::${i.toString(16)}`))
  t.equal(answers.filter((code) => code === 200).length, 10)
  t.equal(await from('2001:db8:1:3::1'), 200, 'the next network is another client')
  for (let i = 0; i < 5; i++) t.same([await from('203.0.113.9'), await from('::ffff:203.0.113.9')], [200, 200])
  t.same([await from('203.0.113.9'), await from('::ffff:cb00:7109'), await from('203.0.113.10')], [429, 429, 200])
  t.equal(clientKey('2001:db8:1:2:3::', 64), clientKey('2001:0db8:1:2::9', 64))
  t.equal(clientKey('2001:db8:1:2ff::', 56), clientKey('2001:db8:1:200::', 56))
  t.not(clientKey('2001:db8:1:2ff::', 57), clientKey('2001:db8:1:200::', 57))
  t.equal(clientKey(undefined, 64), '')
})

t.test('8. ranges are those of Node’s BlockList', async (t) => {
  const random = seeded(9)
  const byte = () => Math.floor(random() * 256)
  const near = () => Math.floor(random() * 4)
  const ipv4 = () => `10.${near()}.${near()}.${byte()}`
  const ipv6 = () => `2001:db8:${near()}:${near()}::${byte().toString(16)}`
  const theirs = new BlockList()
  const list: string[] = []
  for (let i = 0; i < 300; i++) {
    const [address, bits, family] =
      random() < 0.5
        ? [ipv4(), 20 + Math.floor(random() * 13), 'ipv4' as const]
        : [ipv6(), 60 + Math.floor(random() * 69), 'ipv6' as const]
    if (random() < 0.5 || (family === 'ipv4' && bits < 24)) continue
    theirs.addSubnet(address, bits, family)
    list.push(`${address}/${bits}`)
  }
  const ours = new AddressRanges(list, refuse)
  let inside = 0
  for (let i = 0; i < 50_000; i++) {
    const [address, family] = random() < 0.5 ? [ipv4(), 'ipv4' as const] : [ipv6(), 'ipv6' as const]
    const expected = theirs.check(address, family)
    if (expected) inside++
    if (ours.has(address) !== expected) t.fail(`${address}: ${expected}`)
  }
  t.ok(inside > 1_000 && inside < 49_000)
  const mixed = new AddressRanges(
    ['10.0.0.0/8', '::1', '::ffff:192.168.0.0/112', '0.0.0.0/32', '255.255.255.255'],
    refuse,
  )
  for (const address of ['10.255.0.1', '::1', '192.168.3.4', '::ffff:10.1.1.1', '0.0.0.0', '255.255.255.255'])
    t.ok(mixed.has(address), address)
  for (const address of ['11.0.0.0', '::2', '192.169.0.0', '0.0.0.1', 'x', '', undefined])
    t.notOk(mixed.has(address), `${address}`)
  for (const wrong of [
    '10.0.0.0/33',
    '::/129',
    'x',
    '10.0.0',
    '10.0.0.0/',
    '10.0.0.0/08',
    '::ffff:10.0.0.0/8',
    '',
    5,
    null,
  ]) {
    t.throws(() => new AddressRanges([wrong as string], refuse), { message: `refused ${wrong}` })
  }
})

t.test('8. who is on the allow list is not limited, who is on the deny list gets 403', async (t) => {
  const app = await appWith(t, {
    limit: 1,
    windowMs,
    allow: ['10.0.0.0/8', '2001:db8::/32'],
    deny: ['10.6.6.6', '192.0.2.0/24'],
  })
  app.get('/off', { config: { limiter: false } }, async () => 'ok')
  app.get('/probe', { config: { steadfast: { probe: true } } as object }, async () => 'ok')
  const from = async (remoteAddress: string, url = '/') => (await app.inject({ url, remoteAddress })).statusCode
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:5::1']) {
    t.same([await from(address), await from(address)], [200, 200])
  }
  t.same([await from('10.6.6.6'), await from('192.0.2.9'), await from('192.0.2.9', '/nowhere')], [403, 403, 403])
  t.equal(await from('192.0.2.9', '/off'), 403, 'also where nothing is limited')
  t.equal(await from('192.0.2.9', '/probe'), 200, 'probes are left alone')
  t.match((await app.inject({ url: '/', remoteAddress: '192.0.2.9' })).json(), { code: 'ERR_LIMITER_DENIED' })
  t.same([await from('198.51.100.1'), await from('198.51.100.1')], [200, 429])
  t.match(app.limiter.stats().requests, { exempt: 6, denied: 5, allowed: 1, exceeded: 1 })

  const byFunction = await appWith(t, {
    limit: 1,
    windowMs,
    allow: (request) => request.headers.friend === '1',
    deny: (request) => {
      if (request.headers.fail) throw new Error('no')
      return false
    },
  })
  t.same(await codes(byFunction, 3, '/', { friend: '1' }), [200, 200, 200])
  t.same(await codes(byFunction, 2, '/', { fail: '1' }), [200, 429], 'a list that fails says nothing')
  t.equal(byFunction.limiter.stats().faults, 2)
})

t.test('8. trustProxy: 1 or true warns once at boot', async (t) => {
  for (const [trustProxy, count] of [
    [1, 1],
    [true, 1],
    [false, 0],
    ['10.0.0.0/8', 0],
  ] as const) {
    const lines: string[] = []
    const app: FastifyInstance = Fastify({
      trustProxy: trustProxy as boolean,
      logger: { level: 'warn', stream: { write: (line: string) => void lines.push(line) } },
    })
    await app.register(limiter, { limit: 1, windowMs })
    app.get('/', async () => 'ok')
    await app.ready()
    await codes(app, 3)
    t.equal(lines.filter((line) => line.includes('trustProxy')).length, count, `${trustProxy}`)
    await app.close()
  }
})
