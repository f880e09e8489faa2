import { waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import t from 'tap'
import health, { type CheckResult, eventLoopCheck, type HealthChange } from '../src/index.js'

const paths = ['/livez', '/readyz', '/startupz', '/health']

function block(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

t.test('under pressure the app sheds traffic with 503, and the probes answer 200', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/before', async () => 'ok')
  const everyMs = 100
  const shed = { retryAfterMs: 1_500 }
  await app.register(health, { load: { maxEventLoopDelayMs: 40, everyMs, shed }, access: () => true })
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-auth', 'seen')
  })
  app.get('/traffic', async () => 'ok')
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send('not asked'))
  const changes: HealthChange[] = []
  app.health.on('change', (change) => changes.push(change))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await waitFor(async () => (await fetch(`${url}/readyz`)).status === 200)
  await waitFor(async () => (await fetch(`${url}/traffic`)).status === 200) // a boot is a load as well

  // Long enough blocks, until a look has seen them.
  await waitFor(
    async () => {
      block(150)
      await new Promise(setImmediate)
      return app.health.status().checks.load?.status === 'fail' && (await app.inject('/traffic')).statusCode === 503
    },
    { everyMs: 0 },
  )
  const answers = []
  for (const path of ['/traffic', '/before', ...paths]) {
    block(150)
    answers.push(await app.inject(path))
  }
  const [traffic, before, ...probes] = answers
  for (const response of [traffic, before]) {
    t.equal(response?.statusCode, 503)
    t.equal(response?.headers['retry-after'], '2', 'in whole seconds')
    t.equal(response?.headers['x-auth'], undefined, 'turned away before the work of other hooks')
    t.match(response?.json(), { statusCode: 503, code: 'ERR_HEALTH_UNDER_PRESSURE', error: 'Service Unavailable' })
  }
  t.same(
    probes.map(({ statusCode }) => statusCode),
    [200, 200, 200, 200],
  )
  t.equal(probes[1]?.body, '{"status":"warn"}')
  t.match(probes[3]?.json().checks.load, [
    { status: 'fail', output: /^event loop delay \(ms\) is (\d+\.?\d*|Infinity), above 40$/ },
  ])

  await waitFor(async () => (await fetch(`${url}/traffic`)).status === 200)
  await waitFor(() => app.health.status().status === 'pass')
  t.same([changes[0]?.to, changes.at(-1)?.to], ['fail', 'pass'])
})

t.test('every limit is measured, and without shed nothing is turned away', async (t) => {
  const limits = {
    maxEventLoopUtilization: /^event loop utilization is /,
    maxHeapUsedBytes: /^heap used \(bytes\) is \d+, above 0.001$/,
    maxRssBytes: /^RSS \(bytes\) is \d+, above 0.001$/,
  }
  for (const [limit, output] of Object.entries(limits)) {
    const app = Fastify()
    app.get('/traffic', async () => 'ok')
    await app.register(health, { load: { [limit]: 0.001, everyMs: 10 } })
    await app.ready()
    await waitFor(() => {
      block(5)
      return app.health.status().checks.load?.status === 'fail'
    })
    t.match(app.health.status().checks.load?.output, output)
    t.equal(app.health.status().status, 'warn')
    t.equal((await app.inject('/traffic')).statusCode, 200)
    t.notOk(app.hasDecorator('isUnderPressure'), 'what measures stays in a context of its own')
    await app.close()
  }
})

t.test('eventLoopCheck: delay and utilization from one run to the next', async (t) => {
  const signal = new AbortController().signal
  const check = eventLoopCheck({ maxDelayMs: 100, maxUtilization: 0.9 })
  t.teardown(() => check.close?.())
  const run = async () => (await check.run(signal)) as CheckResult
  t.match(await run(), { status: 'pass' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  const both = /^a delay of \d+ ms, above 100; a utilization of 0\.9\d+, above 0\.9$/
  await waitFor(
    async () => {
      for (let i = 0; i < 3; i++) {
        block(300)
        await new Promise((resolve) => setTimeout(resolve, 1)) // on a busy machine it may take longer, and the loop is idle then
      }
      const { status, output } = await run()
      return status === 'fail' && both.test(`${output}`)
    },
    { what: 'a blocked loop that fails by both' },
  )
  await waitFor(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return (await run()).status === 'pass'
    },
    { what: 'an idle loop that passes: only what was since the last run counts' },
  )
})
