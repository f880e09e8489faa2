import { join } from 'node:path'
import { mountDisk, startPostgres, startRedis } from '@steadfast/testing'
import t from 'tap'
import { ask, follow, makeLinks, sumOf } from './cluster.js'
import { migrate, startServer } from './server-process.js'

const mostMs = 100

t.test(
  'a full log disk, a frozen Redis and a hung PostgreSQL at once: cached links go on redirecting, quickly',
  async (t) => {
    const disk = await mountDisk()
    const postgres = await startPostgres({ own: true })
    const redis = await startRedis({ own: true })
    t.teardown(async () => {
      redis.thaw()
      postgres.thaw()
      await Promise.all([postgres.release(), redis.release(), disk.release()])
    })
    await migrate(t, postgres.url)
    const logFile = join(disk.path, 'app.log')
    const server = await startServer(t, postgres.url, { REDIS_URL: redis.url, LOG_FILE: logFile })
    const codes = await makeLinks(server, 5)
    t.equal(sumOf((await follow([server], codes, { times: 100 })).answered), 100)

    disk.fill()
    redis.freeze()
    postgres.freeze()
    // The first requests find out, within the deadlines of limiter, cache and clicks; then nobody waits any more.
    const startMs = performance.now()
    const first = await ask(`${server.url}/${codes[0]}`)
    t.equal(first.status, 302)
    t.ok(performance.now() - startMs < 2_000)

    const takenMs: number[] = []
    const endMs = performance.now() + 12_000
    const statuses = new Set<number>()
    const lane = async (index: number) => {
      while (performance.now() < endMs) {
        const startMs = performance.now()
        statuses.add((await ask(`${server.url}/${codes[index % codes.length]}`)).status)
        takenMs.push(performance.now() - startMs)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, index) => lane(index)))
    t.same([...statuses], [302])
    takenMs.sort((a, b) => a - b)
    const at = (share: number) => Math.round(takenMs[Math.floor(takenMs.length * share)]!)
    t.comment(`${takenMs.length} redirects: median ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms`)
    t.ok(at(0.5) < 5 * mostMs, `the median took ${at(0.5)} ms`)
    t.ok(at(0.99) < 1_500, `all but one of a hundred took less than ${at(0.99)} ms`)
    t.equal((await fetch(`${server.url}/livez`)).status, 200)
  },
)
