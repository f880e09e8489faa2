import t from 'tap'
import { client, share } from './open.js'

t.test('8. getMany of 100 keys is one round trip', async (t) => {
  const { open, url } = await share(t)
  const admin = client(t, url)
  const redis = client(t, url)
  const [writer, reader] = [await open(), await open({ redis, l1: false, backplane: false })]
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
  await writer.setMany(keys.map((key, i) => [key, i]))
  const sent: string[] = []
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command, stream) => {
    sent.push(command.name)
    return send(command, stream)
  }
  const found = await reader.getMany([...keys, 'missing'])
  t.same(
    sent.filter((name) => !name.startsWith('eval')),
    ['mget'],
    'beside the beat',
  )
  t.equal(found.size, 100)
  t.same([...found.values()], [...keys.keys()])
  t.ok(await admin.ping())
  sent.length = 0
  t.equal((await writer.getMany(keys)).size, 100)
  t.same(sent, [], 'what is in memory is not asked for')
})

t.test('8. undefined, null and "nothing there" are told apart', async (t) => {
  const { open } = await share(t)
  for (const options of [{}, { l1: false as const }]) {
    const cache = await open(options)
    const prefix = options.l1 === false ? 'redis' : 'memory'
    const [nothing, none] = [`${prefix}-nothing`, `${prefix}-null`]
    let loads = 0
    const empty = () => {
      loads++
      return undefined
    }
    const kept = { ttlMs: 60_000, negativeTtlMs: 60_000 }
    t.equal(await cache.getOrSet(nothing, empty, kept), undefined)
    t.equal(await cache.getOrSet(none, () => null), null)
    const found = await cache.getMany([nothing, none, 'missing'])
    t.same([found.has(nothing), found.get(nothing)], [true, undefined])
    t.same([found.has(none), found.get(none)], [true, null])
    t.same([found.has('missing'), found.get('missing')], [false, undefined])
    t.equal(await cache.getOrSet(nothing, empty, kept), undefined)
    t.equal(loads, 1)
    t.equal(await cache.getOrSet(`${prefix}-not-kept`, empty), undefined)
    t.equal(await cache.getOrSet(`${prefix}-not-kept`, empty), undefined)
    t.equal(loads, 3, 'without negativeTtlMs it is not kept')
  }
})

t.test('8. a value of 5 MB skips Redis, and is counted', async (t) => {
  const { open, url, keyPrefix } = await share(t)
  const [a, b] = [await open(), await open()]
  const large = 'x'.repeat(5 * 2 ** 20)
  t.equal(await a.getOrSet('large', () => large), large)
  t.equal(a.stats().oversized, 1)
  t.equal(a.peek('large'), large, 'memory has it')
  t.equal(await b.get('large'), undefined)
  t.equal(await client(t, url).exists(`${keyPrefix}entry:large`), 0)
  t.same(await a.set('small', 'small'), { pending: false })
  await a.set('small', large)
  t.equal(await b.get('small'), undefined, 'and what was there before is gone')
  t.equal(a.stats().oversized, 2)
})

t.test('8. after a version bump, old entries are misses, and are replaced', async (t) => {
  const { open } = await share(t)
  const [old, next] = [await open({ version: '1' }), await open({ version: '2' })]
  t.equal(await old.getOrSet('key', () => 'one'), 'one')
  t.equal(await next.get('key'), undefined)
  t.equal(await next.getOrSet('key', () => ({ two: 2 })), await next.get('key'))
  t.same(await (await open({ version: '2' })).get('key'), { two: 2 })
  t.equal(await (await open({ version: '1' })).get('key'), undefined)
  t.equal(next.stats().corrupt, 0)
})

t.test('8. corrupt bytes are a miss, logged once', async (t) => {
  const { open, url, keyPrefix } = await share(t)
  const redis = client(t, url)
  const a = await open()
  const { createCache } = await import('../src/create.js')
  const warnings: string[] = []
  const log = { info: () => {}, warn: (_details: object, message: string) => void warnings.push(message) }
  const b = createCache({ keyPrefix, redis: client(t, url), defaults: { ttlMs: 60_000 } }, log)
  t.teardown(() => b.close())
  await b.ready()
  await a.set('whole', { a: 1 })
  const text = (await redis.get(`${keyPrefix}entry:whole`))!
  const broken = [
    '',
    'V',
    'x',
    Buffer.from([0xff, 0, 0x80]),
    text.slice(0, 60),
    text.slice(0, -2),
    `${text}}`,
    text.replace(/\d/g, '-'),
  ]
  for (const [i, bytes] of broken.entries()) {
    await redis.set(`${keyPrefix}entry:key-${i}`, bytes)
    t.equal(await b.get(`key-${i}`), undefined)
    t.same(await b.getOrSet(`key-${i}`, () => ({ i })), { i })
    t.same(await (await open()).get(`key-${i}`), { i }, `${i} was replaced`)
  }
  await redis.lpush(`${keyPrefix}entry:list`, 'x')
  t.equal(await b.getOrSet('list', () => 1), 1, 'nor is another type an error')
  t.ok(b.stats().corrupt >= 6)
  t.equal(warnings.filter((warning) => warning.includes('no entry of the cache')).length, 1)
})
