import { startRedisCluster, uniquePrefix, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { client, cluster, opened } from './open.js'

/** How often a command was called on a node. */
async function calls(node: Redis, command: string): Promise<number> {
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(await node.info('commandstats'))?.[1] ?? 0)
}

t.test('6. a namespace of 100,000 keys is cleared: all of it, without KEYS, and others don’t notice', async (t) => {
  const shared = await startRedisCluster({ own: true })
  t.teardown(() => shared.release())
  const urls = shared.nodes.map(({ url }) => url)
  const nodes = urls.map((url) => client(t, url))
  const keyPrefix = uniquePrefix('cache')
  const options = { keyPrefix, l2TimeoutMs: 5_000, l1: { maxEntries: 1_000 }, defaults: { ttlMs: 600_000 } }
  const open = () => opened(t, { ...options, redis: cluster(t, urls) })
  const [a, b] = [await open(), await open()]
  const [space, sibling] = [a.namespace('space'), a.namespace('sibling')]
  const count = 100_000
  const keys = Array.from({ length: count }, (_, i) => `key-${i}`)
  for (let i = 0; i < count; i += 2_000) {
    const some = keys.slice(i, i + 2_000)
    t.notOk((await space.setMany(some.map((key) => [key, key]))).pending)
  }
  t.equal((await Promise.all(nodes.map((node) => node.dbsize()))).reduce((sum, size) => sum + size) >= count, true)
  await sibling.set('key-0', 'stays')
  await a.set('key-0', 'stays')
  t.equal(await b.namespace('space').get('key-7'), 'key-7')
  t.equal(await b.namespace('space').get(`key-${count - 1}`), `key-${count - 1}`)

  let [isOn, asked] = [true, 0]
  let waitedMs: number[] = []
  const other = (async () => {
    while (isOn) {
      const startMs = performance.now()
      await Promise.all(nodes.map((node) => node.ping()))
      waitedMs.push(performance.now() - startMs)
      asked++
      await new Promise(setImmediate)
    }
  })()
  await waitFor(() => asked > 200)
  waitedMs = []
  const startMs = performance.now()
  t.same(await space.clear(), { pending: false })
  const tookMs = performance.now() - startMs
  await waitFor(() => asked > 400)
  isOn = false
  await other
  t.ok(tookMs < 500, `cleared in ${tookMs} ms`)
  const late = waitedMs.filter((ms) => ms >= 250)
  t.ok(late.length <= 1, `another client waited for ${late} ms: one may have met a stall of the machine`)

  let found = 0
  for (let i = 0; i < count; i += 2_000) found += (await space.getMany(keys.slice(i, i + 2_000))).size
  t.equal(found, 0)
  await waitFor(async () => (await b.namespace('space').getMany(['key-7', `key-${count - 1}`])).size === 0)
  t.equal(await sibling.get('key-0'), 'stays')
  t.equal(await b.get('key-0'), 'stays')
  for (const node of nodes) {
    t.same([await calls(node, 'keys'), await calls(node, 'scan'), await calls(node, 'flushall')], [0, 0, 0])
  }
})

t.test('6. failover of a master under load: no error reaches a caller who has a loader', async (t) => {
  const own = await startRedisCluster({ own: true, replicas: 1 })
  t.teardown(() => own.release())
  const keyPrefix = uniquePrefix('cache')
  const urls = own.nodes.map(({ url }) => url)
  const open = () => opened(t, { keyPrefix, redis: cluster(t, urls), defaults: { ttlMs: 200 } })
  const [a, b] = [await open(), await open()]
  let [isOn, reads] = [true, 0]
  const errors: unknown[] = []
  const lane = async (cache: typeof a, from: number) => {
    for (let i = from; isOn; i++) {
      const key = `key-${i % 200}`
      const value = await cache.getOrSet(key, async () => key).catch((error) => errors.push(error))
      if (typeof value === 'string' && value !== key) errors.push(value)
      if (i % 50 === 0) await cache.delete(key).catch((error) => errors.push(error))
      reads++
      await new Promise(setImmediate)
    }
  }
  const lanes = [a, b].flatMap((cache) => [0, 50, 100, 150].map((from) => lane(cache, from)))
  await waitFor(() => reads > 1_000)
  await own.nodes[0]!.kill()
  const [alive] = [new Redis(urls[1]!)]
  t.teardown(() => alive.disconnect())
  const replicas = own.nodes.slice(3).map(({ port }) => port)
  await waitFor(
    async () => {
      const lines = String(await alive.call('CLUSTER', 'NODES')).split('\n')
      const masters = lines.filter((line) => /\bmaster\b/.test(line) && !/fail/.test(line))
      return masters.length === 3 && masters.some((line) => replicas.some((port) => line.includes(`:${port}@`)))
    },
    { everyMs: 50, what: 'a replica taking over' },
  )
  const before = reads
  await waitFor(() => reads > before + 1_000)
  // Every slot is served again, and so is the cache's own.
  await waitFor(
    async () => {
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => a.set(`after-${i}`, i)))
      return outcomes.every(({ pending }) => !pending)
    },
    { everyMs: 200, what: 'all slots taking writes' },
  )
  isOn = false
  await Promise.all(lanes)
  t.same(errors, [])
})

t.test('8. getMany on a Cluster: each slot is asked once', async (t) => {
  const { nodes } = await startRedisCluster()
  const keyPrefix = uniquePrefix('cache')
  const urls = nodes.map(({ url }) => url)
  const redis = cluster(t, urls)
  const cache = await opened(t, { keyPrefix: `{${keyPrefix}}`, redis, l1: false })
  const scattered = await opened(t, { keyPrefix, redis, l1: false })
  let asked = 0
  const mget = redis.mget.bind(redis) as (...keys: string[]) => Promise<(string | null)[]>
  redis.mget = ((...keys: string[]) => {
    asked++
    return mget(...keys)
  }) as typeof redis.mget
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
  for (const one of [cache, scattered]) {
    await one.setMany(keys.map((key) => [key, key]))
    asked = 0
    t.equal((await one.getMany(keys)).size, 100)
    if (one === cache) t.equal(asked, 1)
    else t.ok(asked > 1 && asked <= 100)
  }
})
