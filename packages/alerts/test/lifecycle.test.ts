import { readdir } from 'node:fs/promises'
import { checkLifecycle, checkMetricSources, checkQuiet, startReceiver, waitFor } from '@steadfast/testing'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import alerts, { type AlertsOptions, webhook } from '../src/index.js'
import { Fastify } from './fastify.js'
import { bodyOf, down, newFolder, remembering, secret, startApp } from './receivers.js'

const rules: AlertsOptions['rules'] = [
  { name: 'errors', severity: 'critical', on: 'errorRate', above: 0.1 },
  { name: 'heap', severity: 'warning', on: 'heapUsedBytes', above: 1e12 },
  { name: 'loop', severity: 'warning', on: 'eventLoopDelayMs', above: 1e6 },
]

const full = (dir: string) => (app: FastifyInstance) =>
  app.register(alerts, {
    service: 'app',
    channels: [remembering()],
    rules,
    spool: { dir },
    heartbeat: { url: 'http://127.0.0.1:1', everyMs: 1_000 },
  })

const plain = (app: FastifyInstance) => app.register(alerts, { service: 'app', channels: [remembering()] })

t.test('the contracts of docs/architecture.md', async (t) => {
  const dir = await newFolder()
  await t.resolves(checkLifecycle(plain))
  await t.resolves(checkLifecycle(full(dir)))
  await t.resolves(checkQuiet(plain))
  await t.resolves(checkQuiet(full(dir)))
})

t.test('metrics tell what was fired, delivered, refused and dropped', async (t) => {
  const families = await checkMetricSources(plain, async (app) => {
    await app.alerts.fire(down)
    await app.alerts.fire({} as never)
    await waitFor(() => app.alerts.stats().channels.memory?.delivered === 1)
  })
  const value = (name: string, label?: string) =>
    families
      .find((each) => each.name === name)
      ?.samples.find(({ labels }) => !label || Object.values(labels ?? {}).includes(label))?.value
  t.equal(value('alerts_firing'), 1)
  t.equal(value('alerts_pending'), 0)
  t.equal(value('alerts_fired_total'), 1)
  t.equal(value('alerts_delivered_total', 'memory'), 1)
  t.equal(value('alerts_dropped_total', 'invalid'), 1)
})

t.test('12: what is not told yet is told in the phase "flush"', async (t) => {
  const receiver = await startReceiver()
  t.teardown(() => receiver.release())
  const channel = webhook({ url: receiver.url, secret, allowPrivate: true })
  const app = await startApp(t, { channels: [channel], groupMs: 60_000, settleMs: 60_000, flushMs: 5_000 })
  await app.alerts.fire(down)
  await app.alerts.fire({ ...down, name: 'gone' })
  await app.alerts.resolve({ name: 'gone' })
  const server = app.server as unknown as Record<symbol, { onDrain: Record<string, unknown[]> }>
  t.equal(server[Symbol.for('steadfast.v1')]?.onDrain.flush?.length, 1)
  await app.close()
  t.same(receiver.received.flatMap((post) => bodyOf(post).alerts.map(({ kind }) => kind)).sort(), ['fire', 'over'])
})

t.test('12: a drain keeps to its budget, and what is left stays in the spool', async (t) => {
  const dir = await newFolder()
  const send = () => new Promise(() => {})
  const lines: string[] = []
  const app = await startApp(t, { channels: [remembering('memory', { send })], spool: { dir }, flushMs: 300 }, lines)
  await app.alerts.fire(down)
  const startMs = performance.now()
  await app.close()
  const tookMs = performance.now() - startMs
  t.ok(tookMs >= 250 && tookMs < 1_500, `${tookMs} ms: 300`)
  t.match(lines.join(''), /left in the spool/)
  t.match(await readdir(dir), [/^left-.*\.journal$/])
  const memory = remembering()
  await startApp(t, { channels: [memory], spool: { dir } })
  await waitFor(() => memory.told.length === 1)
  t.equal(memory.told[0]?.alerts[0]?.kind, 'fire')
})

t.test('a channel that fails for long does not hold up a drain', async (t) => {
  const send = () => Promise.reject(Object.assign(new Error('later'), { retryAfterMs: 60_000 }))
  const app = await startApp(t, { channels: [remembering('memory', { send })], flushMs: 5_000 })
  await app.alerts.fire(down)
  await waitFor(() => app.alerts.stats().channels.memory?.failed === 1)
  const startMs = performance.now()
  await app.close()
  t.ok(performance.now() - startMs < 4_500)
})

t.test('twenty apps in a process, on one spool, don’t see each other', async (t) => {
  const dir = await newFolder()
  const memories = Array.from({ length: 20 }, () => remembering())
  const apps = await Promise.all(memories.map((memory) => startApp(t, { channels: [memory], spool: { dir } })))
  await Promise.all(apps.map((app, n) => app.alerts.fire({ ...down, name: `n${n}` })))
  await waitFor(() => memories.every(({ told }) => told.length === 1))
  t.same(
    memories.map(({ told }) => told[0]?.alerts[0]?.name),
    apps.map((_, n) => `n${n}`),
  )
})

t.test('a plugin that is registered twice, and one whose spool can’t be made', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await plain(app)
  await t.rejects(async () => plain(app), { code: 'ERR_ALERTS_REGISTERED_TWICE' })
  const other = Fastify()
  t.teardown(() => other.close())
  const options = { service: 'app', channels: [remembering()], spool: { dir: '/etc/hostname/spool' } }
  await t.rejects(async () => other.register(alerts, options), {
    code: 'ERR_ALERTS_SPOOL',
    message: /\/etc\/hostname\/spool/,
  })
})
