import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import t, { type Test } from 'tap'
import {
  isAlive,
  mountDisk,
  startPostgres,
  startRedis,
  startRedisCluster,
  uniquePrefix,
  waitFor,
} from '../src/index.js'
import type { OwnNode } from '../src/own-server.js'

/** Whether the server takes a request and answers it within 200 ms, on a connection of its own. */
async function answers(port: number, request: string | Buffer): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write(request)
    await once(socket, 'data', { signal: AbortSignal.timeout(200) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

// PostgreSQL answers an SSLRequest with one byte, without a login.
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const requests = { 'redis:': 'PING\r\n', 'postgres:': sslRequest }

/** Freezes, thaws, kills and restarts one node, and looks at each step whether it answers. */
async function goThroughFaults(t: Test, node: OwnNode): Promise<void> {
  const alive = () => answers(node.port, requests[new URL(node.url).protocol as keyof typeof requests])
  t.ok(await waitFor(alive), 'it answers')
  node.freeze()
  t.notOk(await alive(), 'frozen, it takes the connection and says nothing')
  node.thaw()
  t.ok(await waitFor(alive), 'thawed, it answers')
  node.freeze()
  const killed = node.pids()
  t.ok(killed.length > 0)
  await node.kill()
  t.same(node.pids(), [], 'killed while it was frozen, it is gone')
  t.same(killed.filter(isAlive), [])
  t.notOk(await alive())
  await node.restart()
  t.ok(await waitFor(alive), 'restarted on the same port, it answers')
}

t.test('a Redis of one’s own', async (t) => {
  const redis = await startRedis({ own: true, args: ['--maxmemory', '10mb'] })
  const client = new Redis(redis.url)
  t.match(await client.config('GET', 'maxmemory'), ['maxmemory', '10485760'], 'settings reach the server')
  client.disconnect()
  await goThroughFaults(t, redis)
  const [before] = redis.pids()
  await redis.restart()
  t.not(redis.pids()[0], before, 'a restart of what runs is a new process')
  redis.freeze()
  await redis.restart()
  await Promise.all([redis.restart(), redis.kill(), redis.restart(), redis.restart()])
  t.equal(redis.pids().length, 1, 'calls that overlap are carried out in their order')
  await redis.release()
  t.same(redis.pids(), [])
  await t.rejects(redis.restart(), /there is no server redis-\d+/, 'released for good')
})

t.test('a PostgreSQL of one’s own loses nothing to a kill', async (t) => {
  const postgres = await startPostgres({ own: true, args: ['-c', 'max_connections=7'] })
  const query = async (sql: string) => {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  t.same(await query('SHOW max_connections'), [{ max_connections: '7' }], 'settings reach the server')
  await query('CREATE TABLE kept AS SELECT 1 AS n')
  await goThroughFaults(t, postgres)
  t.same(await waitFor(() => query('SELECT n FROM kept')), [{ n: 1 }])

  const open = new pg.Client({ connectionString: postgres.url })
  await open.connect()
  postgres.freeze()
  const answer = open.query('SELECT 2 AS n')
  const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100, 'silence'))])
  t.equal(first, 'silence', 'open connections freeze as well')
  postgres.thaw()
  t.same((await answer).rows, [{ n: 2 }])
  await open.end()
  await postgres.release()
  t.same(postgres.pids(), [])
})

t.test('a Redis Cluster of one’s own fails over and takes the old master back', async (t) => {
  const cluster = await startRedisCluster({ own: true, masters: 3, replicas: 1 })
  t.equal(cluster.nodes.length, 6)
  await goThroughFaults(t, cluster.nodes[5]!)
  const client = new Cluster(cluster.nodes.map(({ url }) => url))
  for (let i = 0; i < 50; i++) await client.set(`k${i}`, i)
  t.equal(client.nodes('master').length, 3)
  await cluster.nodes[0]!.kill()
  await waitFor(async () => Promise.all(Array.from({ length: 50 }, (_, i) => client.set(`k${i}`, i))), {
    timeoutMs: 20_000,
  })
  t.equal(await client.get('k49'), '49', 'all slots are served by the rest')
  await cluster.nodes[0]!.restart()
  client.disconnect()
  await cluster.release()
  t.same(
    cluster.nodes.flatMap((node) => node.pids()),
    [],
  )
})

t.test('what is shared is shared, and what is in it is not', async (t) => {
  const [one, two] = await Promise.all([startRedis(), startRedis()])
  t.equal(one.url, two.url)
  t.not((await startRedis({ own: true })).url, one.url)
  t.not(uniquePrefix(), uniquePrefix())
  const [a, b] = await Promise.all([startPostgres(), startPostgres()])
  t.equal(new URL(a.url).host, new URL(b.url).host)
  t.not(a.url, b.url)
  const client = new pg.Client({ connectionString: a.url })
  await client.connect()
  const tables = await client.query(`SELECT * FROM pg_tables WHERE schemaname = 'public'`)
  t.equal(tables.rowCount, 0, 'a new database is empty')
  client.on('error', () => {}) // dropping the database ends the connection
  await Promise.all([a.release(), b.release()])
  const gone = new pg.Client({ connectionString: a.url })
  await t.rejects(gone.connect(), { code: '3D000' }, 'released, it is dropped')
  const clusters = await Promise.all([startRedisCluster(), startRedisCluster()])
  t.same(clusters[0], clusters[1])
})

t.test('servers of the environment are taken as they are', async (t) => {
  const [redis, postgres] = await Promise.all([startRedis({ own: true }), startPostgres({ own: true })])
  t.teardown(() => {
    delete process.env.TEST_REDIS_URL
    delete process.env.TEST_DATABASE_URL
  })
  process.env.TEST_REDIS_URL = redis.url
  process.env.TEST_DATABASE_URL = postgres.url
  t.equal((await startRedis()).url, redis.url)
  const database = await startPostgres()
  t.equal(new URL(database.url).host, new URL(postgres.url).host)
  t.not(database.url, postgres.url, 'in a database of its own')
  await database.release()
})

t.test('a server that does not start says why', async (t) => {
  await t.rejects(
    startRedis({ own: true, args: ['--no-such-setting', '1'] }),
    /redis-server did not start.*no-such-setting/s,
  )
})

t.test('a small disk fills up and gets space again', async (t) => {
  const disk = await mountDisk({ sizeBytes: 65_536 })
  const file = join(disk.path, 'file')
  writeFileSync(file, 'before')
  disk.fill()
  t.throws(() => writeFileSync(join(disk.path, 'more'), 'x'), { code: 'ENOSPC' })
  disk.makeSpace()
  writeFileSync(file, 'after')
  t.equal(readFileSync(file, 'utf8'), 'after')
  await disk.release()
  t.notOk(existsSync(disk.path))
})
