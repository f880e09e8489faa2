import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { forkFixture, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import limiter, { type LimiterOptions } from '../src/index.js'
import { Fastify } from './fastify.js'

/** One each 50 ms. */
const slow = (maxMs: number, maxWaiting: number): LimiterOptions => ({
  limit: 20,
  windowMs: 1_000,
  algorithm: 'gcra',
  burst: 1,
  mode: { delay: { maxMs, maxWaiting } },
})

async function appOf(t: Test, options: LimiterOptions) {
  const app = Fastify()
  t.teardown(() => app.close())
  const responses: ServerResponse[] = []
  let before = 0
  app.addHook('onRequest', async (_request, { raw }) => {
    responses.push(raw)
    before += raw.listenerCount('close')
  })
  await app.register(limiter, options)
  const served: string[] = []
  app.get<{ Params: { id: string } }>('/:id', async (request) => {
    served.push(request.params.id)
    return request.limits
  })
  return { app, served, responses, before: () => before }
}

async function redisOptions(t: Test): Promise<LimiterOptions> {
  const { url } = await startRedis()
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  return { redis, keyPrefix: uniquePrefix(), redisTimeoutMs: 5_000 }
}

for (const [store, optionsOf] of [
  ['memory', async () => ({})],
  ['Redis', redisOptions],
] as const) {
  t.test(`9. ${store}: those that wait keep their order, and are as many as may`, async (t) => {
    const { app, served } = await appOf(t, { ...slow(5_000, 10), ...(await optionsOf(t)) })
    await app.inject('/first')
    const startMs = performance.now()
    const all = await Promise.all(Array.from({ length: 14 }, (_, i) => app.inject(`/${i}`)))
    const tookMs = performance.now() - startMs
    const ok = all.flatMap(({ statusCode }, i) => (statusCode === 200 ? [`${i}`] : []))
    t.ok(ok.length >= 10 && ok.length <= 12, `${ok.length} of 14: ten wait, and a place may be free meanwhile`)
    // Redis is asked for those that come before there is a line at the same time: who finds a place free does not wait.
    const atOnce = served.slice(1, 1 + ok.length - 10)
    const waited = ok.filter((id) => !atOnce.includes(id))
    t.same(served.slice(1 + atOnce.length), waited, 'in their order')
    if (store === 'memory') t.same(served.slice(1), ok, 'all of them')
    t.ok(tookMs > (ok.length - 1) * 50 - 20 && tookMs < 5 * ok.length * 50, `${tookMs} ms for ${ok.length}`)
    t.equal(app.limiter.stats().waiting, 0)
    const refused = all.find(({ statusCode }) => statusCode === 429)
    t.ok(Number(refused?.headers['retry-after']) >= 1)
  })
}

t.test('9. who would have to wait for too long is refused', async (t) => {
  const { app } = await appOf(t, slow(120, 100))
  await app.inject('/first')
  const startMs = performance.now()
  const all = await Promise.all(Array.from({ length: 10 }, (_, i) => app.inject(`/${i}`)))
  const ok = all.filter(({ statusCode }) => statusCode === 200)
  t.ok(ok.length >= 1 && ok.length <= 3, `${ok.length} have waited`)
  t.ok(performance.now() - startMs < 5 * 120)
  t.match(app.limiter.stats(), { waiting: 0, requests: { exceeded: 10 - ok.length } })

  const { app: far } = await appOf(t, { limit: 1, windowMs: 60_000, mode: { delay: { maxMs: 1_000, maxWaiting: 5 } } })
  await far.inject('/first')
  t.equal((await far.inject('/next')).statusCode, 429, 'at once, if it is known')
  t.equal(far.limiter.stats().delayed, 0)
})

t.test('9. clients don’t wait for each other', async (t) => {
  const { app } = await appOf(t, slow(5_000, 100))
  const from = (remoteAddress: string) => app.inject({ url: '/x', remoteAddress })
  await Promise.all([from('10.0.0.1'), from('10.0.0.1')])
  const waiting = Promise.all(Array.from({ length: 30 }, () => from('10.0.0.1')))
  const startMs = performance.now()
  t.equal((await from('10.0.0.2')).statusCode, 200)
  t.ok(performance.now() - startMs < 1_000)
  t.ok((await waiting).every(({ statusCode }) => statusCode === 200))
})

t.test('9. 1,000 waiters that are aborted leave no timer and no listener', async (t) => {
  const timers = new Set<unknown>()
  const { setTimeout: set, clearTimeout: clear } = globalThis
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    const isOurs = `${new Error('where').stack}`.includes('/src/waiting.')
    const timer = set(() => {
      timers.delete(timer)
      callback()
    }, ms)
    if (isOurs) timers.add(timer)
    return timer
  }) as typeof setTimeout
  globalThis.clearTimeout = ((timer: NodeJS.Timeout) => {
    timers.delete(timer)
    clear(timer)
  }) as typeof clearTimeout
  t.teardown(() => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }))

  const {
    app,
    served,
    responses,
    before: beforeOf,
  } = await appOf(t, {
    limit: 1,
    windowMs: 60_000,
    algorithm: 'fixed',
    mode: { delay: { maxMs: 100_000, maxWaiting: 5_000 } },
  })
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  t.equal((await fetch(`http://127.0.0.1:${port}/first`)).status, 200)
  const listeners = () => responses.reduce((sum, response) => sum + response.listenerCount('close'), 0)
  const sockets: Socket[] = []
  for (let i = 0; i < 1_000; i++) {
    const socket = connect(Number(port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET /waits HTTP/1.1\r\nHost: x\r\n\r\n')
    sockets.push(socket)
  }
  await waitFor(() => app.limiter.stats().waiting === 1_000)
  t.equal(timers.size, 1, 'one timer for all')
  const [waiting, before] = [listeners(), beforeOf()]
  for (const socket of sockets) socket.destroy()
  await waitFor(() => app.limiter.stats().waiting === 0)
  t.equal(timers.size, 0)
  t.ok(listeners() <= before, `${waiting} listeners while they wait, ${listeners()} after, ${before} before`)
  t.equal(waiting - before, 1_000)
  t.same(served, ['first'])
})

t.test('9. waiters behind each other on one connection leave when it is closed', async (t) => {
  const mode = { delay: { maxMs: 100_000, maxWaiting: 50 } }
  const { app, served } = await appOf(t, { limit: 1, windowMs: 60_000, algorithm: 'fixed', mode })
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  t.equal((await fetch(`http://127.0.0.1:${port}/first`)).status, 200)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write('GET /waits HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20))
  await waitFor(() => app.limiter.stats().waiting === 20)
  socket.destroy()
  await waitFor(() => app.limiter.stats().waiting === 0)
  await app.limiter.reset('127.0.0.1', ['default'])
  t.equal((await app.inject('/last')).statusCode, 200)
  t.same(served, ['first', 'last'])
})

t.test('9. those that wait are served at once after a reset, and turned away when the app closes', async (t) => {
  const waits: LimiterOptions = {
    limit: 1,
    windowMs: 600_000,
    algorithm: 'fixed',
    mode: { delay: { maxMs: 700_000, maxWaiting: 10 } },
  }
  const { app } = await appOf(t, waits)
  await app.inject('/first')
  const second = app.inject('/second')
  await waitFor(() => app.limiter.stats().waiting === 1)
  await app.limiter.reset('127.0.0.1', ['default'])
  t.equal((await second).statusCode, 200)
  const others = [app.inject('/third'), app.inject('/fourth')]
  await waitFor(() => app.limiter.stats().waiting === 2)
  await app.close()
  for (const { statusCode, headers } of await Promise.all(others)) {
    t.equal(statusCode, 429)
    t.ok(Number(headers['retry-after']) > 500)
  }
  t.equal(app.limiter.stats().waiting, 0)
})

t.test('9. a process that only waits for its turn stays for it, and then ends by itself', async (t) => {
  const child = await forkFixture(new URL('./fixtures/waits.js', import.meta.url))
  t.teardown(() => child.release())
  t.equal((await child.exit).code, 0, child.output())
  t.same(child.reports(), [[200, 200]])
})
