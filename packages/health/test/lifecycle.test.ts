import { checkLifecycle, checkMetricSources, checkProbeRoutes, checkQuiet, sharedBy, waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import health, { diskCheck, eventLoopCheck, type HealthCheck, memoryCheck } from '../src/index.js'

const passing: HealthCheck = { everyMs: 100, run: () => {} }

const full = (app: FastifyInstance) =>
  app.register(health, {
    checks: {
      passing,
      loop: eventLoopCheck({ maxDelayMs: 1_000 }),
      disk: diskCheck({ path: '/', minFreeBytes: 1 }),
      memory: memoryCheck(),
    },
    load: { maxEventLoopDelayMs: 1_000, shed: true },
    watchdog: { blockedMs: 1_000 },
  })

t.test('the contracts of docs/architecture.md', async (t) => {
  await t.resolves(checkLifecycle((app) => app.register(health)))
  await t.resolves(checkLifecycle(full))
  await t.resolves(checkQuiet((app) => app.register(health)))
  await t.resolves(checkQuiet(full))
})

t.test('metrics tell the checks, the load, the watchdog and the cgroup', async (t) => {
  const failing: HealthCheck = { kind: 'degraded', run: () => Promise.reject(new Error('no')) }
  const families = await checkMetricSources(full, async (app) => {
    app.health.add('failing', failing)
    await waitFor(() => Object.values(app.health.status().checks).every(({ time }) => time))
  })
  const value = (name: string, check?: string) =>
    families.find((family) => family.name === name)?.samples.find(({ labels }) => labels?.check === check)?.value
  t.equal(value('health_status'), 1)
  t.equal(value('health_check_status', 'passing'), 0)
  t.equal(value('health_check_status', 'failing'), 2)
  t.equal(value('health_check_failures_total', 'failing'), 1)
  t.equal(value('health_check_failures_total', 'passing'), 0)
  t.type(value('health_check_duration_seconds', 'passing'), 'number')
  t.equal(value('health_event_loop_blocks_total'), 0)
  t.equal(value('health_event_loop_blocked_seconds_total'), 0)
  t.equal(value('health_shed_requests_total'), 0)
})

t.test('shedding leaves the probes of others alone', async (t) => {
  const shed = (app: FastifyInstance) => {
    const families = [...(sharedBy(app)?.metricSources ?? [])].flatMap((source) => source())
    return families.find(({ name }) => name === 'health_shed_requests_total')?.samples[0]?.value ?? 0
  }
  await t.resolves(
    checkProbeRoutes(async (app) => {
      await app.register(health, { load: { maxRssBytes: 1, everyMs: 10, shed: true } })
      app.addHook('onReady', async () => void (await waitFor(() => app.health.status().checks.load?.status === 'fail')))
    }, shed),
  )
})

t.test('readiness follows the app, and a drain that another plugin begins', async (t) => {
  const app = Fastify({ return503OnClosing: false })
  await app.register(health, { checks: { passing } })
  const ask = async (url: string) => (await fetch(`${base}${url}`)).status
  let base = ''
  const codes = async () => [await ask('/livez'), await ask('/readyz'), await ask('/startupz')]
  t.equal(app.health.status().status, 'fail')
  t.equal(app.health.status().state, 'starting')
  base = await app.listen({ port: 0, host: '127.0.0.1' })
  await waitFor(async () => (await ask('/readyz')) === 200)
  t.same(await codes(), [200, 200, 200])
  const shared = sharedBy(app)
  if (!shared) throw new Error('health has not joined')
  shared.state = 'draining' // as shutdown does at SIGTERM
  t.same(await codes(), [200, 503, 200])
  const before = app.health.status().checks.passing?.time
  await waitFor(() => app.health.status().checks.passing?.time !== before)
  t.equal(app.health.status().state, 'draining', 'and the checks go on')
  await app.close()

  const plain = Fastify({ return503OnClosing: false })
  await plain.register(health)
  let seen: unknown
  plain.addHook('preClose', async () => {
    seen ??= [...(await codes()), plain.health.status().state] // older Fastify calls it once for each context
  })
  base = await plain.listen({ port: 0, host: '127.0.0.1' })
  await waitFor(async () => (await ask('/readyz')) === 200)
  await plain.close()
  t.same(seen, [200, 503, 200, 'draining'], 'without shutdown, from preClose on')
})

t.test('what closes with the app is no failure', async (t) => {
  const app = Fastify()
  let isOpen = true
  const pool: HealthCheck = {
    everyMs: 10,
    failAfter: 1,
    run: () => {
      if (!isOpen) throw new Error('the pool is closed')
    },
  }
  await app.register(health, { checks: { pool } })
  const changes: unknown[] = []
  app.health.on('change', (change) => changes.push(change))
  app.addHook('onClose', async () => {
    isOpen = false
    await new Promise((resolve) => setTimeout(resolve, 50))
  })
  await app.ready()
  await waitFor(() => app.health.status().status === 'pass')
  await app.close()
  t.same(changes, [])
})
