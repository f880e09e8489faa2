import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres, startProxy, startRedis, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { counted, follow, makeLinks, startWorker, sumOf } from './cluster.js'
import { migrate, startServer } from './server-process.js'

const requests = 40_000
const kills = 20

t.setTimeout(300_000)

t.test(
  `${requests} GETs through two servers, ${kills} workers killed -9, the way to Redis cut again and again: every one counts once`,
  async (t) => {
    const postgres = await startPostgres({ own: true })
    const redis = await startRedis({ own: true })
    const proxy = await startProxy(redis.url)
    t.teardown(() => Promise.all([postgres.release(), redis.release(), proxy.release()]))
    await migrate(t, postgres.url)
    const env = { REDIS_URL: redis.url, CLICK_WORKER: 'apart', LOG_LEVEL: 'warn' }
    // What a server sends through the proxy has an unknown outcome each time that is cut, so it is sent again another way.
    const servers = await Promise.all([
      startServer(t, postgres.url, { ...env, LOG_LEVEL: 'info', REDIS_URL: proxy.through(redis.url) }),
      startServer(t, postgres.url, { ...env, LOG_LEVEL: 'info', REDIS_URL: proxy.through(redis.url) }),
    ])
    const codes = await makeLinks(servers[0]!, 7)

    let isLoading = true
    let killed = 0
    const killing = [0, 1].map(async (lane) => {
      while (isLoading || killed < kills) {
        const worker = await startWorker(t, postgres.url, { ...env, LOG_LEVEL: 'info' })
        await sleep(50 + ((killed * 137 + lane * 71) % 400))
        worker.signal('SIGKILL')
        await worker.exit
        killed++
      }
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
    t.same([...load.others], [], 'every request was answered by a redirect')
    t.equal(sumOf(load.answered), requests)
    t.ok(killed >= kills && cuts >= 5, `${killed} killed, ${cuts} cuts`)

    const worker = await startWorker(t, postgres.url, { ...env, LOG_LEVEL: 'info' })
    const client = new Redis(redis.url)
    t.teardown(() => client.disconnect())
    await waitFor(async () => (await client.xlen('shortener:clicks')) === 0, { timeoutMs: 60_000, everyMs: 100 })
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
