import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Child,
  forkFixture,
  type OwnRedis,
  startProxy,
  startRedis,
  uniquePrefix,
  waitFor,
} from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import limiter, { type LimiterOptions } from '../../src/index.js'
import { seeded } from '../stores/contract.js'

const slots = { algorithm: 'concurrency', windowMs: 1_000 } as const

/** An app whose requests are answered when they are told to. */
async function holding(
  t: Test,
  options: LimiterOptions,
): Promise<{ app: FastifyInstance; answer(): void; running(): number }> {
  const app = Fastify()
  const waiting = new Set<() => void>()
  await app.register(limiter, options)
  app.get('/', () => new Promise((resolve) => waiting.add(() => resolve('ok'))))
  app.get('/error', async () => {
    throw new Error('no')
  })
  t.teardown(() => app.close())
  const answer = () => {
    for (const each of waiting) each()
    waiting.clear()
  }
  t.teardown(answer)
  return { app, answer, running: () => waiting.size }
}

async function clientOf(t: Test, { url }: { url: string }): Promise<Redis> {
  const redis = new Redis(url, { retryStrategy: () => 20 })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  await redis.ping()
  return redis
}

async function ownRedis(t: Test): Promise<OwnRedis> {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  return redis
}

/** One connection with so many requests, each sent before the one before it is answered. */
async function pipelined(t: Test, app: FastifyInstance, count: number): Promise<Socket> {
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count))
  return socket
}

for (const kind of ['memory', 'Redis']) {
  const where = async (t: Test) =>
    kind === 'Redis'
      ? { redis: await clientOf(t, await startRedis()), keyPrefix: uniquePrefix(), redisTimeoutMs: 5_000 }
      : {}

  t.test(`5. ${kind}: never more at the same time, and a slot is free once its request is over`, async (t) => {
    const { app, answer, running } = await holding(t, { limit: 3, ...slots, ...(await where(t)) })
    const first = [app.inject('/'), app.inject('/'), app.inject('/')]
    await waitFor(() => running() === 3)
    const { statusCode, headers } = await app.inject('/')
    t.equal(statusCode, 429)
    t.match(headers, { 'ratelimit-policy': '"default";q=3;w=1', ratelimit: /^"default";r=0;t=1$/, 'retry-after': /\d/ })
    answer()
    for (const { statusCode } of await Promise.all(first)) t.equal(statusCode, 200)
    await waitFor(() => app.limiter.stats().slots === 0)
    for (let i = 0; i < 5; i++) t.equal((await app.inject('/error')).statusCode, 500, 'an error frees it as well')
    await waitFor(() => app.limiter.stats().slots === 0)
    const again = app.inject('/')
    await waitFor(() => running() === 1)
    answer()
    t.equal((await again).headers.ratelimit, '"default";r=2;t=0')
  })

  t.test(
    `5. ${kind}: requests behind each other on one connection give their slots back when it is closed`,
    async (t) => {
      const { app, answer, running } = await holding(t, { limit: 3, ...slots, windowMs: 60_000, ...(await where(t)) })
      const socket = await pipelined(t, app, 20)
      await waitFor(() => running() === 3 && app.limiter.stats().requests.exceeded === 17)
      socket.destroy()
      await waitFor(() => app.limiter.stats().slots === 0)
      const all = [app.inject('/'), app.inject('/'), app.inject('/')]
      await waitFor(() => running() === 6)
      answer()
      for (const { statusCode } of await Promise.all(all)) t.equal(statusCode, 200)
    },
  )

  t.test(
    `5. ${kind}: a limit of hits beside it is charged only where there is a slot, and the other way round`,
    async (t) => {
      const policies = [
        { name: 'hits', limit: 4, windowMs: 60_000 },
        { name: 'slots', limit: 2, ...slots },
      ]
      const { app, answer, running } = await holding(t, { policies, ...(await where(t)) })
      const held = [app.inject('/'), app.inject('/')]
      await waitFor(() => running() === 2)
      for (let i = 0; i < 4; i++) t.equal((await app.inject('/')).statusCode, 429)
      const left = async (name: string) => (await app.limiter.peek('127.0.0.1', [name])).policies[0]!.remaining
      t.equal(await left('hits'), 2, 'who got no slot used no hit')
      t.equal(await left('slots'), 0)
      answer()
      await Promise.all(held)
      for (let i = 0; i < 2; i++) await app.inject('/error')
      t.equal((await app.inject('/error')).statusCode, 429, 'no hit is left')
      await waitFor(() => app.limiter.stats().slots === 0)
      t.equal(await left('slots'), 2, 'and so no slot is held')
    },
  )
}

async function instances(t: Test, count: number, options: object): Promise<{ child: Child; url: string }[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = await forkFixture(new URL('../fixtures/slots.js', import.meta.url), {
        args: [JSON.stringify(options)],
      })
      t.teardown(() => child.release())
      const url = await waitFor(() => child.reports<string>()[0], { what: child.output() })
      return { child, url: url as string }
    }),
  )
}

/** A request that the client gives up after a while, or not. */
function ask(url: string, ms: number, abortAfterMs?: number): Promise<{ status: number; running: number }> {
  return new Promise((resolve) => {
    const request = httpRequest(`${url}?ms=${ms}`, { agent: false }, (response) => {
      let text = ''
      response.on('data', (part) => {
        text += part
      })
      response.on('end', () =>
        resolve({ status: response.statusCode!, running: Number(JSON.parse(text).running ?? 0) }),
      )
      response.on('error', () => resolve({ status: 0, running: 0 }))
    })
    request.on('error', () => resolve({ status: 0, running: 0 }))
    request.end()
    if (abortAfterMs !== undefined) setTimeout(() => request.destroy(), abortAfterMs)
  })
}

t.test('5. two processes are never above the limit together, whoever gives up when; and no slot is lost', async (t) => {
  const { url } = await startRedis()
  const limit = 5
  const all = await instances(t, 2, { url, keyPrefix: uniquePrefix(), limit, windowMs: 60_000 })
  const random = seeded(5)
  let [passed, refused, most] = [0, 0, 0]
  const lane = async () => {
    for (let i = 0; i < 40; i++) {
      const at = all[Math.floor(random() * 2)]!.url
      const { status, running } = await ask(at, random() * 30, random() < 0.4 ? random() * 30 : undefined)
      if (status === 200) passed++
      if (status === 429) refused++
      most = Math.max(most, running)
    }
  }
  await Promise.all(Array.from({ length: 16 }, lane))
  t.ok(most <= limit && most >= 2, `${most} at the same time`)
  t.ok(passed > 50 && refused > 50, `${passed} passed, ${refused} were refused`)
  for (const { url } of all) await waitFor(async () => (await (await fetch(`${url}/slots`)).text()) === '0')
  const last = await Promise.all(Array.from({ length: limit }, () => ask(all[0]!.url, 300)))
  t.same(
    last.map(({ status }) => status),
    Array(limit).fill(200),
    'all slots are there again',
  )
})

t.test('5. slots are renewed while they are held; those of a killed process are free within the lease', async (t) => {
  const { url } = await startRedis()
  const windowMs = 1_500
  const [first, second] = await instances(t, 2, { url, keyPrefix: uniquePrefix(), limit: 2, windowMs })
  const held = [ask(first!.url, 60_000), ask(first!.url, 60_000)]
  await waitFor(async () => (await (await fetch(`${first!.url}/slots`)).text()) === '2')
  const startMs = performance.now()
  while (performance.now() - startMs < 3 * windowMs) {
    if ((await ask(second!.url, 1)).status !== 429) t.fail('it is held')
    await sleep(50)
  }
  const killedMs = performance.now()
  first!.child.signal('SIGKILL')
  await waitFor(async () => (await ask(second!.url, 1)).status === 200)
  const tookMs = performance.now() - killedMs
  t.ok(tookMs < windowMs + 1_000, `free after ${tookMs} ms`)
  await Promise.all(held)
})

t.test('5. without Redis, it goes on as stated; a slot that was taken unseen is given back', async (t) => {
  const redis = await ownRedis(t)
  const policy = { limit: 4, ...slots, windowMs: 60_000 }
  for (const [onRedisError, codes] of [
    ['local', [200, 200, 429]],
    ['open', [200, 200, 200]],
    ['closed', [503, 503, 503]],
  ] as const) {
    const client = await clientOf(t, redis)
    const common = { redis: client, keyPrefix: uniquePrefix(), redisTimeoutMs: 200, instances: 2, onRedisError }
    const { app, answer, running } = await holding(t, { ...policy, ...common })
    redis.freeze()
    const asked = [app.inject('/'), app.inject('/'), app.inject('/')]
    const decided = () => Object.values(app.limiter.stats().requests).reduce((sum, count) => sum + count)
    await waitFor(() => decided() === 3 && running() === codes.filter((code) => code === 200).length)
    answer()
    t.same((await Promise.all(asked)).map(({ statusCode }) => statusCode).sort(), codes, onRedisError)
    redis.thaw()
    await waitFor(async () => {
      const { policies } = await app.limiter.peek('127.0.0.1', ['default'])
      return policies[0]!.remaining === 4
    })
  }
})

t.test('5. a connection that closes while Redis is asked leaves no slot behind', async (t) => {
  const { url } = await startRedis()
  const proxy = await startProxy(url)
  t.teardown(() => proxy.release())
  const redis = await clientOf(t, { url: proxy.through(url) })
  const common = { redis, keyPrefix: uniquePrefix(), redisTimeoutMs: 5_000 }
  const { app } = await holding(t, { limit: 3, ...slots, windowMs: 60_000, ...common })
  await app.inject('/error')
  proxy.delay(200)
  const { calls } = app.limiter.stats().redis!
  const socket = await pipelined(t, app, 3)
  await waitFor(() => app.limiter.stats().redis!.calls === calls + 3)
  socket.destroy()
  await waitFor(() => app.limiter.stats().requests.allowed === 4)
  await waitFor(() => app.limiter.stats().slots === 0)
})

t.test(
  '5. a request that has waited for its turn, and is given up while Redis is asked, leaves no slot behind',
  async (t) => {
    const { url } = await startRedis()
    const proxy = await startProxy(url)
    t.teardown(() => proxy.release())
    const redis = await clientOf(t, { url: proxy.through(url) })
    const windowMs = 1_000
    const { app } = await holding(t, {
      policies: [
        { name: 'slots', limit: 3, ...slots, windowMs: 60_000 },
        { name: 'hits', limit: 1, windowMs, algorithm: 'fixed', mode: { delay: { maxMs: 10_000, maxWaiting: 1 } } },
      ],
      redis,
      keyPrefix: uniquePrefix(),
      redisTimeoutMs: 5_000,
    })
    await app.inject('/error')
    const socket = await pipelined(t, app, 1)
    await waitFor(() => app.limiter.stats().waiting === 1)
    proxy.delay(200)
    const { calls } = app.limiter.stats().redis!
    await waitFor(() => app.limiter.stats().redis!.calls > calls)
    socket.destroy()
    await waitFor(() => app.limiter.stats().waiting === 0)
    const hits = async () => (await app.limiter.peek('127.0.0.1', ['hits'])).policies[0]!.remaining
    await waitFor(async () => (await hits()) === 0)
    t.equal(app.limiter.stats().slots, 0)
  },
)

t.test('12. what goes with hits alone is refused', async (t) => {
  for (const options of [
    { lease: {} },
    { settle: () => 1 },
    { mode: { delay: { maxMs: 1, maxWaiting: 1 } } },
    { burst: 2 },
  ]) {
    const app = Fastify()
    t.teardown(() => app.close())
    const all = { limit: 1, ...slots, ...options } as LimiterOptions
    await t.rejects(async () => app.register(limiter, all), {
      code: 'ERR_LIMITER_OPTION',
      message: new RegExp(Object.keys(options)[0]!),
    })
  }
  const { app } = await holding(t, { limit: 1, ...slots })
  await t.rejects(app.limiter.check('a', ['default']), { code: 'ERR_LIMITER_OPTION' })
})
