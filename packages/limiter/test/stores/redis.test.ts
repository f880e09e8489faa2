import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis, uniquePrefix } from '@steadfast/testing'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import limiter from '../../src/index.js'
import type { Claim } from '../../src/stores/claim.js'
import { keyOf, RedisStore } from '../../src/stores/redis.js'
import { bucketOf, claimOf, contract, Duel, seeded } from './contract.js'

async function startStore(t: Test) {
  const { url } = await startRedis()
  const client = new Redis(url, { keyPrefix: uniquePrefix(), enableAutoPipelining: true })
  t.teardown(() => client.disconnect())
  const store = new RedisStore(client, 10_000)
  const decide = (claims: Claim[]) =>
    new Promise<boolean>((resolve, reject) =>
      store.decide(claims, (error, isOk) => (error === undefined ? resolve(isOk) : reject(error))),
    )
  /** With the time at which it was decided: answers come one by one. */
  const decideAt = (claims: Claim[]) =>
    new Promise<[boolean, number]>((resolve, reject) =>
      store.decide(claims, (error, isOk) => (error === undefined ? resolve([isOk, store.nowUs]) : reject(error))),
    )
  const pass = async (us: number) => void (us > 0 && (await sleep(Math.ceil(us / 1_000))))
  return { store, client, decide, decideAt, nowUs: () => store.nowUs, pass }
}

contract(t, 'Redis', startStore, { windowMs: 400, windows: 5, everyUs: 0 })

t.test('11. Redis: 10,000 random runs decide as the model does, by the time that the script reports', async (t) => {
  const { decideAt } = await startStore(t)
  const lanes = 200
  for (let first = 1; first <= 10_000; first += lanes) {
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        const seed = first + lane
        const random = seeded(seed)
        const duel = new Duel(random, () => [1, 10, 50][Math.floor(random() * 3)]!)
        for (let step = 0; step < 15; step++) {
          if (random() < 0.2) await sleep(random() * 30)
          const difference = await duel.step(decideAt)
          if (difference) t.fail(`seed ${seed}: ${JSON.stringify(difference)}`)
        }
      }),
    )
  }
  t.pass()
})

t.test('3. Redis: a key without a TTL heals within a window, and so does what is no counter', async (t) => {
  const { client, decide, pass } = await startStore(t)
  for (const algorithm of ['sliding', 'gcra', 'fixed'] as const) {
    const bucket = bucketOf(algorithm, 300)
    const name = keyOf(bucket.prefix, 'a')
    t.equal(await decide([claimOf(bucket, 1)]), true)
    t.ok((await client.pttl(name)) > 0, `${algorithm} has a TTL`)
    await client.persist(name)
    t.equal(await decide([claimOf(bucket, 1)]), false)
    await pass(300_000 * 1.05 + 1_000)
    t.equal(await decide([claimOf(bucket, 1)]), true, 'it blocks nobody for ever')
    t.ok((await client.pttl(name)) > 0, 'and has a TTL again')

    for (const spoil of [
      () => client.set(name, 'garbage'),
      () => client.set(name, ''),
      () => client.multi().del(name).hset(name, 'a', 1).exec(),
      () => client.set(name, Buffer.from([0x92, 0xa1, 0x61, 0xa1, 0x62])), // ['a', 'b']
    ]) {
      await spoil()
      t.equal(await decide([claimOf(bucket, 1)]), true, 'what is no counter counts nothing')
      t.equal(await decide([claimOf(bucket, 1)]), false)
    }
  }
})

t.test('3. Redis: a clock that was set back blocks nobody for longer than a window', async (t) => {
  const { client, decide } = await startStore(t)
  const { pack } = { pack: (script: string, ...args: (string | number)[]) => client.eval(script, 1, ...args) }
  const aheadUs = 3_600_000_000
  for (const [algorithm, state] of [
    ['fixed', `{ now + ${aheadUs}, 5 }`],
    ['gcra', `{ now + ${aheadUs}, 1e15 }`],
    ['sliding', `{ math.floor((now + ${aheadUs}) / 15000), 5 }`],
  ] as const) {
    const bucket = bucketOf(algorithm, 300)
    await pack(
      `local t = redis.call('TIME') local now = t[1] * 1000000 + t[2] return redis.call('SET', KEYS[1], cmsgpack.pack(${state}))`,
      keyOf(bucket.prefix, 'a'),
    )
    t.equal(await decide([claimOf(bucket, 1)]), true, algorithm)
  }
})

t.test('11. Redis: names of keys never collide', async (t) => {
  const random = seeded(11)
  const letters = ['a', 'b', ':', '1', '2', '{', '}', '!', '\ud800', '\ud801', '\ufffd', 'é']
  const text = () =>
    Array.from({ length: Math.floor(random() * 4) }, () => letters[Math.floor(random() * letters.length)]).join('')
  const { Buckets } = await import('../../src/stores/bucket.js')
  const seen = new Map<string, string>()
  const buckets = new Buckets('p:')
  for (let i = 0; i < 200_000; i++) {
    const parts = [text(), text(), text()]
    const key = text()
    const name = Buffer.from(keyOf(buckets.of('sliding', 1_000, parts).prefix, key)).toString('hex')
    const id = JSON.stringify([parts, key])
    // What differs in more than halves of surrogate pairs in the parts themselves, which are names, differs.
    if (parts.some((part) => /\p{Surrogate}/u.test(part))) continue
    const other = seen.get(name)
    if (other !== undefined && other !== id) t.fail(`${other} and ${id}`)
    seen.set(name, id)
  }
  t.ok(seen.size > 1_000)
})

t.test('a client that gives numbers as texts', async (t) => {
  const { url } = await startRedis()
  const redis = new Redis(url, { stringNumbers: true })
  const keyPrefix = uniquePrefix()
  for (const policy of [
    { algorithm: 'sliding' },
    { algorithm: 'fixed', lease: { first: 3 } },
    { algorithm: 'concurrency' },
  ] as const) {
    const app = Fastify()
    t.teardown(() => app.close())
    const name = policy.algorithm
    await app.register(limiter, {
      policies: [{ name, limit: 3, windowMs: 60_000, ...policy }],
      redis,
      keyPrefix,
      redisTimeoutMs: 5_000,
    })
    app.get('/', async () => 'ok')
    const answers = []
    for (let i = 0; i < 4; i++) answers.push((await app.inject('/')).statusCode)
    t.same(answers, [200, 200, 200, name === 'concurrency' ? 200 : 429], name)
  }
  redis.disconnect()
})
