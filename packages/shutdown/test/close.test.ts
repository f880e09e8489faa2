import { checkLifecycle, checkQuiet, sharedBy } from '@steadfast/testing'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import shutdown, { type ShutdownReport } from '../src/index.js'
import { processOwner } from '../src/owner.js'
import { get, rawClient } from './raw-client.js'

const handlers = () => process.eventNames().flatMap((event) => process.listeners(event as 'exit'))
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

t.test('it keeps to the lifecycle contract', async (t) => {
  await t.resolves(checkLifecycle((app) => app.register(shutdown)))
})

t.test('an app that only sees inject() installs nothing', async (t) => {
  await t.resolves(checkQuiet((app) => app.register(shutdown, { managers: ['pm2', 'cluster'] })))
})

/** The intervals that run; those that are unref'd no list of Node's tells. */
function watchIntervals(t: Test): Set<unknown> {
  const { setInterval, clearInterval } = globalThis
  const running = new Set<unknown>()
  t.teardown(() => Object.assign(globalThis, { setInterval, clearInterval }))
  globalThis.setInterval = ((run: () => void, ms: number) => {
    const timer = setInterval(run, ms)
    running.add(timer)
    return timer
  }) as typeof setInterval
  globalThis.clearInterval = (timer) => {
    running.delete(timer)
    clearInterval(timer)
  }
  return running
}

t.test('app.close() runs the phases and leaves nothing behind', async (t) => {
  const intervals = watchIntervals(t)
  const before = { handlers: handlers(), timers: timers() }
  const reports: ShutdownReport[] = []
  const app = Fastify()
  await app.register(shutdown, { delayMs: 60_000, onReport: (report) => reports.push(report) })
  const order: string[] = []
  for (const phase of ['logs', 'flush', 'consumers', 'connections'] as const) {
    app.shutdown.register(phase, () => order.push(phase), { phase })
  }
  let answer = () => {}
  app.get('/slow', (_request, reply) => {
    answer = () => reply.send('slow')
  })
  app.addHook('onResponse', async () => void order.push('response'))
  t.equal(app.shutdown.state, 'starting')
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal(app.shutdown.state, 'ready')
  t.ok(handlers().length > before.handlers.length, 'the handlers are there while it listens')
  const address = app.listeningOrigin.replace('http://', '')
  const [inFlight, idle] = await Promise.all([rawClient(address), rawClient(address)])
  const asked = new Promise((resolve) => app.server.once('request', resolve))
  inFlight.send(get('/slow'))
  await asked
  sharedBy(app)?.onDrain.consumers.push(() => setTimeout(answer, 50))

  await app.close()
  t.equal(app.shutdown.state, 'closed')
  t.same(order, ['consumers', 'response', 'flush', 'connections', 'logs'])
  t.equal(await inFlight.closed, 'end')
  t.match(inFlight.received(), /^HTTP\/1.1 200 .*connection: close.*slow$/is)
  t.equal(await idle.closed, 'end')
  t.match(reports, [{ reason: 'close', clean: true, connections: { silent: 1 } }])
  t.ok(reports[0]!.durationMs < 5_000, 'without the delay')
  t.same(handlers(), before.handlers)
  t.equal(timers(), before.timers)
  t.equal(intervals.size, 0)
  t.equal(await app.shutdown.begin(), reports[0], 'and begin() tells of the same')
})

t.test('apps don’t see each other: the handlers go with the last', async (t) => {
  const before = handlers()
  const apps = await Promise.all(
    [1, 2, 3].map(async () => {
      const app = Fastify()
      await app.register(shutdown)
      await app.listen({ port: 0, host: '127.0.0.1' })
      return app
    }),
  )
  const installed = handlers()
  t.equal(installed.length, before.length + 4, 'SIGTERM, SIGINT, exceptions and rejections, however many apps')
  await apps[0]!.close()
  t.same(
    apps.map((app) => app.shutdown.state),
    ['closed', 'ready', 'ready'],
  )
  t.same(handlers(), installed)
  await apps[1]!.shutdown.begin()
  t.equal((await fetch(apps[2]!.listeningOrigin)).status, 404)
  await apps[2]!.close()
  t.same(handlers(), before)
})

t.test('signals: false: an app that listens installs nothing on the process', async (t) => {
  const before = handlers()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(shutdown, { signals: false })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.same(handlers(), before)
})

t.test('copies of the package share the owner of the signals', async (t) => {
  const copy: typeof import('../src/owner.js') = await import(`${new URL('../src/owner.js', import.meta.url)}?copy`)
  t.not(copy.processOwner, processOwner)
  t.equal(copy.processOwner(), processOwner())
})

t.test(
  'begin() by hand does not end the process; it and close() may be called in any order, again and again',
  async (t) => {
    const reports: ShutdownReport[] = []
    const app = Fastify()
    await app.register(shutdown, { delayMs: 60_000, onReport: (report) => reports.push(report) })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const begun = app.shutdown.begin('by hand')
    t.equal(app.shutdown.state, 'draining')
    t.equal((await fetch(app.listeningOrigin)).headers.get('connection'), 'close', 'it still serves')
    await Promise.all([app.close(), app.close()])
    const report = await begun
    t.match(report, { reason: 'by hand', clean: true })
    t.ok(report.durationMs < 5_000, 'close() cuts the delay short')
    t.equal(await app.shutdown.begin('again'), report)
    t.equal(reports.length, 1)
  },
)

t.test('what fails while Fastify closes is in the report', async (t) => {
  const app = Fastify()
  await app.register(shutdown, {
    onReport: () => {
      throw new Error('reporting keeps nothing from ending')
    },
  })
  app.addHook('onClose', async () => {
    throw new Error('the pool would not end')
  })
  await app.ready()
  const { clean, errors } = await app.shutdown.begin()
  t.match({ clean, errors }, { clean: false, errors: [{ message: 'the pool would not end' }] })
})

t.test('an app that hangs as it closes: begin() tells so at the deadline', async (t) => {
  const app = Fastify()
  await app.register(shutdown, { deadlineMs: 300 })
  let end = () => {}
  app.addHook('onClose', () => new Promise<void>((resolve) => (end = resolve)))
  app.shutdown.register('rest', () => {}, { phase: 'logs', budgetMs: 100 })
  await app.ready()
  const report = await app.shutdown.begin()
  t.match(report, { clean: false, deadlineReached: true, cut: [], hooks: [{ name: 'rest', outcome: 'done' }] })
  t.ok(report.durationMs >= 190 && report.durationMs < 5 * 300, 'the budget of the last phases before the deadline')
  end()
  await app.close()
})

t.test('an app that is not ready yet can be closed', async (t) => {
  const order: string[] = []
  for (const end of ['close', 'begin'] as const) {
    const app = Fastify()
    await app.register(shutdown)
    app.shutdown.register('flush', () => order.push(end), { phase: 'flush' })
    await (end === 'close' ? app.close() : app.shutdown.begin())
    t.equal(app.shutdown.state, 'closed')
  }
  t.same(order, ['close', 'begin'])
})
