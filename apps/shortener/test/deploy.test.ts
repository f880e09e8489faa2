import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres, startRedis, waitFor } from '@steadfast/testing'
import t from 'tap'
import { counted, makeLinks, startWorker, sumOf } from './cluster.js'
import { migrate, type RunningServer, startServer } from './server-process.js'

const perSecond = 1_000
const seconds = 14

/** A machine that can't do so many has fewer, instead of a queue that outlasts the server. */
const mostUnderWay = 100

interface Backend {
  url: URL
  agent: Agent
  isUp: boolean
}

/** What a balancer does: asks each server whether it is ready, and sends requests to those that are, over kept connections. */
function balancer(servers: RunningServer[]) {
  const backends: Backend[] = servers.map(({ url }) => ({
    url: new URL(url),
    // Without a bound: what waited in here for a connection would be sent to a server that has gone meanwhile.
    agent: new Agent({ keepAlive: true }),
    isUp: true,
  }))
  const look = async (backend: Backend) => {
    const status = await fetch(`${backend.url.origin}/readyz`).then(
      (response) => response.status,
      () => 0,
    )
    backend.isUp = status === 200
  }
  const timer = setInterval(() => backends.forEach((backend) => void look(backend)), 500)
  let turn = 0
  return {
    get up() {
      return backends.filter(({ isUp }) => isUp).length
    },
    send(path: string): Promise<number | string> {
      const up = backends.filter(({ isUp }) => isUp)
      const { url, agent } = up[turn++ % up.length]!
      return new Promise((resolve) => {
        request({ host: url.hostname, port: url.port, path, agent }, (response) => {
          response.once('error', (error) => resolve(`${error}`)).once('end', () => resolve(response.statusCode ?? 0))
          response.resume()
        })
          .once('error', (error) => resolve(`${error}`))
          .end()
      })
    },
    stop() {
      clearInterval(timer)
      for (const { agent } of backends) agent.destroy()
    },
  }
}

t.test(
  `up to ${perSecond} requests a second through a balancer, SIGTERM to one of two servers: none fails, no click is lost`,
  async (t) => {
    const postgres = await startPostgres()
    const redis = await startRedis({ own: true })
    t.teardown(() => Promise.all([postgres.release(), redis.release()]))
    await migrate(t, postgres.url)
    const env = { REDIS_URL: redis.url, NODE_ENV: 'production', LOG_LEVEL: 'info' }
    const servers = await Promise.all([startServer(t, postgres.url, env), startServer(t, postgres.url, env)])
    const codes = await makeLinks(servers[0]!, 5)
    const front = balancer(servers)
    t.teardown(() => front.stop())

    const answered = new Map(codes.map((code) => [code, 0]))
    const failed: (number | string)[] = []
    const underWay = new Set<Promise<void>>()
    const startMs = performance.now()
    let sent = 0
    let stoppedMs = 0
    while (performance.now() - startMs < seconds * 1_000) {
      for (const dueMs = performance.now() - startMs; sent < (dueMs * perSecond) / 1_000; sent++) {
        if (underWay.size >= mostUnderWay) break
        const code = codes[sent % codes.length]!
        const done = front.send(`/${code}`).then((status) => {
          if (status === 302) answered.set(code, answered.get(code)! + 1)
          else failed.push(status)
          underWay.delete(done)
        })
        underWay.add(done)
      }
      if (!stoppedMs && performance.now() - startMs > 3_000) {
        stoppedMs = performance.now()
        servers[0]!.child.signal('SIGTERM')
      }
      await sleep(2)
    }
    await Promise.all(underWay)
    t.same(failed, [], 'every request was answered by a redirect')
    t.equal(sumOf(answered), sent)
    t.ok(
      sent >= 500 * seconds,
      `${Math.round(sent / seconds)} requests a second; ${perSecond} where the machine has nothing else to do`,
    )
    t.same(await servers[0]!.child.exit, { code: 0, signal: null })
    t.match(servers[0]!.child.output(), /"clean":true/)
    t.equal(front.up, 1)

    front.stop()
    servers[1]!.child.signal('SIGTERM')
    t.same(await servers[1]!.child.exit, { code: 0, signal: null })
    const worker = await startWorker(t, postgres.url, env) // for what came after the servers had stopped counting
    await waitFor(async () => sumOf((await counted(postgres.url)).totals) >= sent, { everyMs: 100 })
    worker.signal('SIGTERM')
    t.same(await worker.exit, { code: 0, signal: null })
    const { raw, totals, hourly } = await counted(postgres.url)
    t.same(raw, answered)
    t.same(totals, answered)
    t.same(hourly, answered)
  },
)
