import { readFileSync } from 'node:fs'
import { startPostgres, uniquePrefix, waitFor } from '@steadfast/testing'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { createCache as createCacheManager } from 'cache-manager'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import pg from 'pg'
import t from 'tap'
import cache, { createCache } from '../src/index.js'
import { client, opened, share } from './open.js'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

t.test('12. the read-through example of the README, as it stands there', async (t) => {
  const example = /```js\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const lines = example.split('\n').filter((line) => line && !line.startsWith('import'))
  t.ok(lines.length <= 10, 'ten lines')
  const [postgres, { url }] = [await startPostgres(), await share(t)]
  const admin = new pg.Pool({ connectionString: postgres.url })
  t.teardown(() => admin.end())
  await admin.query('CREATE TABLE users (id text PRIMARY KEY, name text)')
  await admin.query("INSERT INTO users VALUES ('7', 'Ada')")
  const app = Fastify()
  const clients: Redis[] = []
  const pools: pg.Pool[] = []
  class NotedRedis extends Redis {
    constructor(address: string) {
      super(address, { keyPrefix: uniquePrefix('readme') })
      clients.push(this)
    }
  }
  class NotedPool extends pg.Pool {
    constructor(options: pg.PoolConfig) {
      super(options)
      pools.push(this)
    }
  }
  const run = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor
  const environment = { env: { DATABASE_URL: postgres.url, REDIS_URL: url } }
  await run(
    'app',
    'cache',
    'Redis',
    'pg',
    'process',
    lines.join('\n'),
  )(app, cache, NotedRedis, { Pool: NotedPool }, environment)
  t.teardown(async () => {
    await app.close()
    for (const redis of clients) redis.disconnect()
    for (const pool of pools) await pool.end()
  })
  const read = async () => (await app.inject('/users/7')).json()
  t.same(await read(), { id: '7', name: 'Ada' })
  await admin.query("UPDATE users SET name = 'behind its back'")
  t.same(await read(), { id: '7', name: 'Ada' }, 'it is cached')
  const { statusCode } = await app.inject({ method: 'PUT', url: '/users/7', payload: { name: 'Grace' } })
  t.equal(statusCode, 200)
  t.same(await read(), { id: '7', name: 'Grace' })
  t.equal((await app.inject('/users/none')).json(), null)
})

t.test('12. moving from bentocache: its calls and ours give the same', async (t) => {
  const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver({})) } })
  t.teardown(() => bento.disconnectAll())
  const own = await opened(t, {})
  let loads = 0
  const factory = () => ++loads
  t.equal(await bento.getOrSet({ key: 'a', factory, ttl: '1m', grace: '6h', tags: ['x'] }), 1)
  t.equal(await bento.getOrSet({ key: 'a', factory }), 1)
  const options = { ttlMs: 60_000, graceMs: 21_600_000, tags: ['x'] }
  t.equal(await own.getOrSet('a', factory, options), 2)
  t.equal(await own.getOrSet('a', factory, options), 2)
  await bento.deleteByTag({ tags: ['x'] })
  await own.invalidateTags(['x'])
  t.same([await bento.get({ key: 'a' }), await own.get('a')], [undefined, undefined])
  await bento.set({ key: 'b', value: 1 })
  await own.set('b', 1)
  t.same([await bento.has({ key: 'b' }), (await own.getMany(['b'])).has('b')], [true, true])
  await bento.deleteMany({ keys: ['b'] })
  await own.delete(['b'])
  t.same([await bento.missing({ key: 'b' }), (await own.getMany(['b'])).has('b')], [true, false])
  await bento.namespace('n').set({ key: 'c', value: 1 })
  await own.namespace('n').set('c', 1)
  t.same([await bento.namespace('n').get({ key: 'c' }), await own.namespace('n').get('c')], [1, 1])
  await bento.namespace('n').clear()
  await own.namespace('n').clear()
  t.same([await bento.namespace('n').get({ key: 'c' }), await own.namespace('n').get('c')], [undefined, undefined])
})

t.test('12. moving from cache-manager: its calls and ours give the same', async (t) => {
  const theirs = createCacheManager({ ttl: 60_000 })
  const own = await opened(t, {})
  let loads = 0
  const load = async () => ++loads
  t.equal(await theirs.wrap('a', load), 1)
  t.equal(await theirs.wrap('a', load), 1)
  t.equal(await own.getOrSet('a', load), 2)
  t.equal(await own.getOrSet('a', load), 2)
  await theirs.mset([
    { key: 'b', value: 1 },
    { key: 'c', value: 2 },
  ])
  await own.setMany([
    ['b', 1],
    ['c', 2],
  ])
  t.same(await theirs.mget(['b', 'c', 'd']), [1, 2, undefined])
  const found = await own.getMany(['b', 'c', 'd'])
  t.same(
    ['b', 'c', 'd'].map((key) => found.get(key)),
    [1, 2, undefined],
  )
  await theirs.del('b')
  await own.delete('b')
  await theirs.clear()
  await own.clear()
  t.same([await theirs.get('c'), await own.get('c')], [undefined, undefined])
})

t.test('12. the README has every option', async (t) => {
  const { url } = await share(t)
  const [, known = ''] = /there are (.*)$/.exec(messageOf(() => createCache({ x: 1 } as never))) ?? []
  const [, entry = ''] = /there are (.*)$/.exec(messageOf(() => createCache({ defaults: { x: 1 } } as never))) ?? []
  const names = [...known.split(', '), ...entry.split(', ')]
  t.equal(names.length, 22)
  for (const name of names) t.match(readme, `| \`${name}`, name)
  await waitFor(async () => (await client(t, url).ping()) === 'PONG')
})

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}
