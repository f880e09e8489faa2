import { randomUUID } from 'node:crypto'
import { type Child, forkFixture, type Receiver, startReceiver, startRedis, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import t, { type Test } from 'tap'
import type { RedisLike } from '../src/index.js'
import { bodyOf, down, remembering, startApp } from './receivers.js'

const fixture = new URL('./fixtures/app.js', import.meta.url)

async function setUp(t: Test, count: number, redisUrl: string, own: (n: number) => object = () => ({})) {
  const receiver = await startReceiver([{ status: 202 }])
  t.teardown(() => receiver.release())
  const service = `test-${randomUUID()}`
  const processes = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const settings = { url: receiver.url, steps: [], redisUrl, options: { service }, ...own(n) }
      const child = await forkFixture(fixture, { args: [JSON.stringify(settings)], ipc: true })
      t.teardown(() => child.release())
      await waitFor(() => child.reports().includes('done'), { what: 'the start of a process' })
      return child
    }),
  )
  return { receiver, processes }
}

/** What is pending in a process, as it says when asked. */
async function pendingOf(child: Child): Promise<string[]> {
  const count = child.reports().length
  child.process.send({ ask: 'pending' })
  await waitFor(() => child.reports().length > count)
  return child.reports<{ pending: string[] }>().at(-1)!.pending
}

const allKnow = (processes: Child[]) =>
  waitFor(async () => (await Promise.all(processes.map(pendingOf))).every((pending) => pending.length === 0), {
    timeoutMs: 30_000,
  })

const kindsOf = ({ received }: Receiver) => received.map((post) => bodyOf(post).alerts[0]?.kind)

t.test('4: four processes fire the same: one POST', async (t) => {
  const { url } = await startRedis()
  const { receiver, processes } = await setUp(t, 4, url)
  for (const child of processes) child.process.send({ fire: down })
  await receiver.whenReceived(1)
  await allKnow(processes)
  t.same(kindsOf(receiver), ['fire'])
  for (const child of processes) child.process.send({ resolve: { name: 'db' } })
  await receiver.whenReceived(2)
  await allKnow(processes)
  t.same(kindsOf(receiver), ['fire', 'resolve'])
})

t.test('4: the claimer is killed between claim and POST: another sends', async (t) => {
  const { url } = await startRedis()
  const { receiver, processes } = await setUp(t, 2, url, (n) => ({ isStuck: n === 0 }))
  const [stuck, other] = processes as [Child, Child]
  stuck.process.send({ fire: down })
  await waitFor(() => stuck.reports().includes('sending'))
  other.process.send({ fire: down })
  stuck.signal('SIGKILL')
  await stuck.exit
  await receiver.whenReceived(1)
  await allKnow([other])
  t.same(kindsOf(receiver), ['fire'])
})

t.test('4: one resolves while another still holds it: no resolve until the last lets go', async (t) => {
  const { url } = await startRedis()
  const { receiver, processes } = await setUp(t, 2, url)
  const [one, other] = processes as [Child, Child]
  for (const child of processes) child.process.send({ fire: down })
  await receiver.whenReceived(1)
  await allKnow(processes)
  one.process.send({ resolve: { name: 'db' } })
  await waitFor(async () => (await pendingOf(one)).includes('resolve'))
  // It asks again each second: after three times it would have been told.
  const asked = performance.now()
  await waitFor(() => performance.now() - asked > 3_000)
  t.same(await pendingOf(one), ['resolve'])
  t.same(kindsOf(receiver), ['fire'])
  other.process.send({ resolve: { name: 'db' } })
  await receiver.whenReceived(2)
  await allKnow(processes)
  t.same(kindsOf(receiver), ['fire', 'resolve'])
})

t.test('4: Redis freezes: at least one message, none lost, and one again once it has thawed', async (t) => {
  const redis = await startRedis({ own: true })
  t.teardown(() => redis.release())
  const { receiver, processes } = await setUp(t, 2, redis.url)
  redis.freeze()
  for (const child of processes) child.process.send({ fire: down })
  await receiver.whenReceived(1)
  await allKnow(processes)
  t.ok(receiver.received.length <= 2)
  t.ok(kindsOf(receiver).every((kind) => kind === 'fire'))
  redis.thaw()
  for (const child of processes) child.process.send({ resolve: { name: 'db' } })
  await waitFor(() => kindsOf(receiver).includes('resolve'))
  await allKnow(processes)
  t.equal(kindsOf(receiver).filter((kind) => kind === 'resolve').length, 1)
})

t.test('4: Redis is gone: fire() does not wait for it, and it is said once', async (t) => {
  const redis = new Redis('redis://127.0.0.1:1', { retryStrategy: () => 50, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  const lines: string[] = []
  const memory = remembering()
  const app = await startApp(t, { channels: [memory], claim: { redis } }, lines)
  const startMs = performance.now()
  await app.alerts.fire(down)
  await app.alerts.fire({ ...down, name: 'other' })
  t.ok(performance.now() - startMs < 2_000)
  await waitFor(() => memory.told.flatMap(({ alerts }) => alerts).length === 2)
  t.equal(lines.filter((line) => line.includes('Redis does not answer')).length, 1)
})

t.test('acknowledged in one process: not repeated in another', async (t) => {
  const { url } = await startRedis()
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  const service = `test-${randomUUID()}`
  const routes = [{ match: {}, channels: ['memory'], repeatMs: 300 }]
  const memories = [remembering(), remembering()] as const
  const [one, other] = (await Promise.all(
    memories.map((memory) => startApp(t, { service, channels: [memory], claim: { redis }, routes })),
  )) as [Awaited<ReturnType<typeof startApp>>, Awaited<ReturnType<typeof startApp>>]
  const told = () => memories.flatMap((memory) => memory.told).length
  const key = await one.alerts.fire(down)
  await other.alerts.fire(down)
  await waitFor(() => told() >= 3)
  await one.alerts.acknowledge(key!)
  let before = -1
  await waitFor(
    () => {
      const still = told() === before
      before = told()
      return still
    },
    { everyMs: 1_000 },
  )
  t.ok(told() >= 3)
})

t.test('ioredis 5 and 6, and a Cluster of it, are what the plugin takes', (t) => {
  const take = (_redis: RedisLike) => {}
  const clients = [new Redis({ lazyConnect: true }), new Redis5({ lazyConnect: true })] as const
  for (const client of clients) take(client)
  t.type(clients[0].eval, 'function')
  t.end()
})
