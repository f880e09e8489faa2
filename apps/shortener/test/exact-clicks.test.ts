import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres, startProxy, startRedis, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { counted, follow, makeLinks, startWorker, sumOf } from './cluster.js'
import { migrate, startServer } from './server-process.js'

const requests = 40_000
const kills = 20

t.test(
  `${requests} GETs through two servers, ${kills} workers killed -9, the way to Redis cut again and again: every one counts once`,
  async (t) => {
    const postgres = await startPostgres({ own: true })
    const redis = await startRedis({ own: true })
    const proxy = await startProxy(redis.url)
    t.teardown(() => Promise.all([postgres.release(), redis.release(), proxy.release()]))
    await migrate(t, postgres.url)
    const env = { REDIS_URL: redis.url, CLICK_WORKER: 'apart' }
    // What a server sends through the proxy has an unknown outcome each time that is cut, so it is sent again another way.
    const servers = await Promise.all([
      startServer(t, postgres.url, { ...env, REDIS_URL: proxy.through(redis.url) }),
      startServer(t, postgres.url, { ...env, REDIS_URL: proxy.through(redis.url) }),
    ])
    const codes = await makeLinks(servers[0]!, 7)

    const client = new Redis(redis.url)
    t.teardown(() => client.disconnect())
    let isLoading = true
    let orphaned = 0
    const pending = async () => ((await client.xpending('shortener:clicks', 'writers')) as [number])[0]
    const kill = async (turn: number): Promise<void> => {
      const worker = await startWorker(t, postgres.url, env)
      await sleep(50 + ((turn * 137) % 400))
      // Every other one in the midst of its work.
      const endMs = performance.now() + 2_000
      while (turn % 2 === 0 && (await pending()) === 0 && performance.now() < endMs) await sleep(1)
      worker.signal('SIGKILL')
      await worker.exit
      if ((await pending()) > 0) orphaned++
    }
    const killing = [0, 1].map(async (lane) => {
      for (let turn = 0; turn < kills / 2; turn++) await kill(2 * turn + ((turn + lane) % 2))
    })
    let cuts = 0
    const cutting = (async () => {
      for (; isLoading; cuts++) {
        await sleep(700)
        proxy.cut()
      }
    })()
    const load = await follow(servers, codes, { times: requests })
    isLoading = false
    await Promise.all([...killing, cutting])
    // Cut off from Redis again and again, a server asks a database that the workers keep busy.
    const unavailable = load.others.get(503) ?? 0
    t.equal(sumOf(load.answered) + unavailable, requests, 'every request is answered, by a redirect or a clear refusal')
    t.ok(unavailable <= requests / 100, `${unavailable} were refused`)
    t.ok(orphaned >= 1 && cuts >= 5, `${orphaned} kills left clicks that were being counted, ${cuts} cuts`)

    const worker = await startWorker(t, postgres.url, env)
    await waitFor(async () => (await client.xlen('shortener:clicks')) === 0, { everyMs: 100 })
    for (const { child } of servers) child.signal('SIGTERM') // they write what went past Redis
    for (const { child } of servers) t.same(await child.exit, { code: 0, signal: null })
    worker.signal('SIGTERM')
    t.same(await worker.exit, { code: 0, signal: null })
    t.equal(await client.xlen('shortener:clicks'), 0)

    const { raw, totals, hourly } = await counted(postgres.url)
    t.same(raw, load.answered, 'raw')
    t.same(totals, load.answered, 'totals')
    t.same(hourly, load.answered, 'by the hour')
  },
)
