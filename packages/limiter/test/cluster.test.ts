import { setTimeout as sleep } from 'node:timers/promises'
import { type OwnRedisCluster, startRedisCluster, uniquePrefix, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import { Cluster, Redis } from 'ioredis'
import t, { type Test } from 'tap'
import limiter, { type LimiterOptions, type Policy } from '../src/index.js'

const windowMs = 60_000

async function clientOf(t: Test, { nodes }: { nodes: { port: number }[] }): Promise<Cluster> {
  const startup = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const client = new Cluster(startup, { clusterRetryStrategy: () => 50, retryDelayOnFailover: 50 })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  await waitFor(async () => (await client.set(uniquePrefix(), 1)) === 'OK')
  return client
}

async function serve(
  t: Test,
  cluster: { nodes: { port: number }[] },
  options: LimiterOptions,
  keyPrefix = uniquePrefix(),
) {
  const redis = await clientOf(t, cluster)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(limiter, { redis, keyPrefix, redisTimeoutMs: 1_000, ...options })
  app.get('/', async () => 'ok')
  const ask = async (user: string) => (await app.inject({ url: '/', headers: { user } })).statusCode
  return { app, ask, redis, keyPrefix }
}

const byUser = (policy: Partial<Policy>): Policy => ({
  name: 'user',
  limit: 1,
  windowMs,
  algorithm: 'fixed',
  key: (request) => `${request.headers.user}`,
  ...policy,
})

t.test('policies of different subjects are charged all or none, leased or not', async (t) => {
  const cluster = await startRedisCluster()
  for (const lease of [false, {}] as const) {
    const policies = [byUser({ lease }), { name: 'ip', limit: 100, windowMs, algorithm: 'fixed' } as const]
    const { app, ask } = await serve(t, cluster, { policies })
    const left = async () => (await app.limiter.peek('127.0.0.1', ['ip'])).policies[0]!.remaining
    for (const user of ['a', 'b', 'c', 'd', 'e']) {
      const codes = []
      for (let i = 0; i < 5; i++) codes.push(await ask(user))
      t.same(codes, [200, 429, 429, 429, 429])
    }
    t.equal(await left(), 95, 'each of the five users has used 1')
  }
})

t.test('under a race for the same user, what is not taken back can only mean that fewer pass', async (t) => {
  const cluster = await startRedisCluster()
  const policies = [byUser({ limit: 10 }), { name: 'ip', limit: 1_000, windowMs, algorithm: 'fixed' } as const]
  const keyPrefix = uniquePrefix()
  const apps = await Promise.all([0, 1, 2].map(() => serve(t, cluster, { policies }, keyPrefix)))
  const codes = await Promise.all(Array.from({ length: 90 }, (_, i) => apps[i % 3]!.ask('one')))
  const passed = codes.filter((code) => code === 200).length
  t.equal(codes.filter((code) => code === 429).length, 90 - passed)
  t.ok(passed <= 10 && passed >= 1, `${passed} passed`)
  const { policies: told } = await apps[0]!.app.limiter.peek('127.0.0.1', ['ip'])
  t.ok(told[0]!.remaining <= 1_000 - passed, `${told[0]!.remaining} are left`)
})

t.test('1. three apps share leases of one limit on a Cluster', async (t) => {
  const cluster = await startRedisCluster()
  const policies = [byUser({ limit: 500, lease: {} })]
  const keyPrefix = uniquePrefix()
  const apps = await Promise.all([0, 1, 2].map(() => serve(t, cluster, { policies, instances: 3 }, keyPrefix)))
  let passed = 0
  for (let i = 0; i < 1_500; i += 30) {
    const codes = await Promise.all(Array.from({ length: 30 }, (_, j) => apps[j % 3]!.ask('one')))
    passed += codes.filter((code) => code === 200).length
    await sleep(5)
  }
  t.ok(passed <= 500 && passed >= 495, `${passed} passed`)
})

/** The master that has a key, as a node says. */
async function masterOf(cluster: OwnRedisCluster, key: string) {
  const redis = new Redis(cluster.nodes[0]!.url)
  const slot = await redis.cluster('KEYSLOT', key)
  const slots = await redis.cluster('SLOTS')
  redis.disconnect()
  const port = slots.find(([from, to]) => slot >= from && slot <= to)![2]![1]
  return cluster.nodes.find((node) => node.port === port)!
}

t.test('7. a master is killed under load: no 5xx, the stated bound holds, and limits are shared again', async (t) => {
  const cluster = await startRedisCluster({ own: true, replicas: 1 })
  t.teardown(() => cluster.release())
  for (const lease of [{}, false] as const) {
    const limit = 2_000
    const breaker = { failures: 3, resetMs: 200 }
    const options: LimiterOptions = { policies: [byUser({ limit, lease })], redisTimeoutMs: 250, breaker }
    const { app, ask } = await serve(t, cluster, options)
    const codes = new Map<number, number>()
    let isOn = true
    const load = (async () => {
      while (isOn) {
        const code = await ask('one')
        codes.set(code, (codes.get(code) ?? 0) + 1)
        await sleep(2)
      }
    })()
    await waitFor(() => codes.get(200)! > 100)
    await (await masterOf(cluster, 'one')).kill()
    const killedMs = performance.now()
    const isDegraded = () => app.limiter.stats().redis!.isDegraded
    // With leases, it is noticed once tokens are asked for.
    await waitFor(isDegraded)
    await waitFor(() => !isDegraded())
    const tookMs = performance.now() - killedMs
    const calls = app.limiter.stats().redis!.calls
    await waitFor(() => app.limiter.stats().redis!.calls > calls + 2)
    isOn = false
    await load
    t.ok(tookMs < 15_000, `shared again after ${tookMs} ms`)
    t.same(
      [...codes.keys()].filter((code) => code !== 200 && code !== 429),
      [],
      'no other status',
    )
    t.ok(codes.get(200)! <= 2 * limit, `${codes.get(200)} passed, of ${limit} and as many without Redis`)
    for (const node of cluster.nodes) if (node.pids().length === 0) await node.restart()
    await waitFor(
      async () => {
        const redis = new Redis(cluster.nodes[0]!.url)
        const info = await redis.cluster('INFO')
        const nodes = `${await redis.cluster('NODES')}`
        redis.disconnect()
        return (
          `${info}`.includes('cluster_state:ok') && (nodes.match(/slave [0-9a-f]+ .* connected/g) ?? []).length === 3
        )
      },
      { timeoutMs: 30_000 },
    )
  }
})
