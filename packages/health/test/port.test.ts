import { createServer } from 'node:http'
import { connect } from 'node:net'
import { freePort, sharedBy, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import t from 'tap'
import health from '../src/index.js'

/** A step of the boot that waits to be taken. */
function step(): { taken: Promise<void>; take: () => void } {
  let take = () => {}
  const taken = new Promise<void>((resolve) => {
    take = resolve
  })
  return { taken, take }
}

t.test('a port of their own: the probes answer before the app is ready, and until it is closed', async (t) => {
  const port = await freePort()
  const app = Fastify()
  let runs = 0
  await app.register(health, {
    port,
    host: '127.0.0.1',
    access: { allow: ['127.0.0.1'] },
    checks: { db: { everyMs: 50, run: () => void runs++ } },
  })
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return { status: response.status, headers: response.headers, body: await response.text() }
  }
  const codes = async () => [
    (await ask('/livez')).status,
    (await ask('/readyz')).status,
    (await ask('/startupz')).status,
  ]
  t.same(await codes(), [200, 503, 503], 'while the app boots')
  const boot = step()
  app.register(() => boot.taken)
  const listening = app.listen({ port: 0, host: '127.0.0.1' })
  t.same(await codes(), [200, 503, 503])
  t.equal(runs, 0)
  const listen = step()
  app.addHook('onReady', () => listen.taken)
  boot.take()
  await waitFor(() => runs > 0)
  t.equal(sharedBy(app)?.state, 'ready')
  t.same(await codes(), [200, 503, 503], 'nobody listens for the traffic yet')
  listen.take()
  const url = await listening
  await waitFor(async () => (await ask('/readyz')).status === 200)
  t.same(await codes(), [200, 200, 200])
  for (const path of ['/livez', '/readyz', '/startupz', '/health']) {
    t.equal((await fetch(url + path)).status, 404, 'the app itself has no probes')
  }

  const live = await ask('/livez?x=1')
  t.equal(live.body, '{"status":"pass"}')
  t.equal(live.headers.get('content-type'), 'application/health+json')
  t.equal(live.headers.get('cache-control'), 'no-store')
  const head = await ask('/readyz', { method: 'HEAD' })
  t.same([head.status, head.body, head.headers.get('content-length')], [200, '', '17'])
  const post = await ask('/readyz', { method: 'POST', body: 'x' })
  t.same([post.status, post.headers.get('allow')], [405, 'GET, HEAD'])
  t.match(JSON.parse((await ask('/health')).body), { status: 'pass', checks: { db: [{ status: 'pass' }] } })
  t.equal((await ask('/metrics')).status, 404)
  t.equal((await ask('/livez/')).status, 404)

  const seen: unknown[] = []
  const shared = sharedBy(app)
  shared?.onDrain.flush.push(async () => void seen.push(await codes()))
  const silent = connect(port, '127.0.0.1').on('error', () => {})
  await app.close()
  t.same(seen, [[200, 503, 200]], 'while the app closes')
  await waitFor(() => silent.destroyed)
  await t.rejects(ask('/livez'), 'and then it is gone')
})

t.test('a port that is taken, and two apps with a port each', async (t) => {
  const port = await freePort()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const app = Fastify()
  await t.rejects(async () => app.register(health, { port, host: '127.0.0.1' }), {
    code: 'ERR_HEALTH_LISTEN',
    message: new RegExp(`port ${port}: .*EADDRINUSE`),
  })
  await app.close().catch(() => {})

  const apps = [Fastify(), Fastify()]
  t.teardown(() => Promise.all(apps.map((app) => app.close())))
  const ports = [await freePort(), await freePort()]
  for (const [i, app] of apps.entries()) await app.register(health, { port: ports[i]!, host: '127.0.0.1' })
  await apps[0]?.listen({ port: 0, host: '127.0.0.1' })
  const codes = await Promise.all(ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/readyz`)).status))
  t.same(codes, [200, 503])
})
