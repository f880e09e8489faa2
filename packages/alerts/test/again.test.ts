import { startReceiver, waitFor } from '@steadfast/testing'
import t from 'tap'
import { webhook } from '../src/index.js'
import { makeCenter } from './centers.js'
import { bodyOf, down, remembering, secret, startApp } from './receivers.js'

t.test('1: Retry-After can lengthen a wait, but not shorten it', async (t) => {
  for (const retryAfter of ['0', '-5', 'Thu, 01 Jan 1970 00:00:00 GMT']) {
    const { clock, alerts } = makeCenter({ channels: [remembering('memory', { send })] })
    let attempts = 0
    const { retryAfterOf } = await import('../src/http/retry-after.js')
    function send() {
      attempts++
      throw Object.assign(new Error('busy'), { retryAfterMs: retryAfterOf(retryAfter, clock.nowMs()) })
    }
    await alerts.fire(down)
    await clock.advance(600_000)
    // Half of 1 s, doubled to 60 s: 6 in the first half minute, then two a minute.
    t.ok(attempts > 15 && attempts < 30, `${retryAfter}: ${attempts}`)
  }
})

t.test('1: one alert that is refused costs no other of its message, nor the next try', async (t) => {
  const receiver = await startReceiver(({ body }) => ({ status: body.includes('n7') ? 413 : 200 }))
  t.teardown(() => receiver.release())
  const channels = [webhook({ url: receiver.url, secret, allowPrivate: true })]
  const app = await startApp(t, { channels })
  const final: string[][] = []
  app.alerts.on('failed', ({ isFinal, keys }) => isFinal && final.push(keys))
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => app.alerts.fire({ ...down, name: `n${n === 7 ? n : 10 + n}` })),
  )
  await waitFor(() => app.alerts.pending().length === 0)
  const taken = receiver.received.map(bodyOf).flatMap(({ alerts }) => alerts)
  const told = new Set(taken.map(({ name }) => name).filter((name) => name !== 'n7'))
  t.equal(told.size, 19)
  t.equal(final.length, 1)
  t.match(final[0], [/^app\/n7\//])
  t.ok(receiver.received.length <= 2 * Math.ceil(Math.log2(20)) + 1, `${receiver.received.length} posts`)
})

t.test('1: what was refused is tried again when it would be repeated', async (t) => {
  const answers: unknown[] = [Object.assign(new Error('who are you'), { isFinal: true })]
  const memory = remembering()
  const send = memory.send.bind(memory)
  memory.send = (notification, signal) => {
    const error = answers.shift()
    if (error) throw error
    return send(notification, signal)
  }
  const { clock, alerts } = makeCenter({
    channels: [memory],
    routes: [{ match: {}, channels: ['memory'], repeatMs: 60_000 }],
  })
  await alerts.fire(down)
  await clock.advance(50_000)
  t.equal(memory.told.length, 0)
  await clock.advance(20_000)
  t.equal(memory.told[0]?.alerts[0]?.kind, 'fire')
})

t.test('3: ends that come one after the other: one message, an event each, and none before its time', async (t) => {
  const memory = remembering()
  const { clock, alerts } = makeCenter({ channels: [memory] })
  let resolved = 0
  alerts.on('resolved', () => resolved++)
  for (let n = 0; n < 10; n++) await alerts.fire({ ...down, name: `n${n}` })
  await clock.advance(10_000)
  const firstMs = clock.nowMs()
  for (let n = 0; n < 10; n++) {
    await alerts.resolve({ name: `n${n}` })
    await clock.advance(150)
  }
  await clock.advance(firstMs + 4_900 - clock.nowMs())
  t.equal(memory.told.length, 1, 'settleMs are whole')
  await clock.advance(10_000)
  t.same(
    memory.told.map(({ status, alerts }) => [status, alerts.length]),
    [
      ['firing', 10],
      ['resolved', 10],
    ],
  )
  t.same([resolved, alerts.stats().resolved, alerts.stats().firing], [10, 10, 0])
})

t.test('3: no more than one message says in a minute how many were suppressed', async (t) => {
  const memory = remembering('memory', { batch: 1 })
  const { clock, alerts } = makeCenter({ channels: [memory], limit: { perMinute: 10 } })
  for (let wave = 0; wave < 5; wave++) {
    for (let n = 0; n < 200; n++) await alerts.fire({ ...down, labels: { n: `${wave} ${n}` } })
    await clock.advance(10_000)
  }
  t.equal(memory.told.length, 11)
  await clock.advance(60_000)
  t.equal(
    memory.told.reduce((sum, { suppressed, alerts }) => sum + suppressed + alerts.length, 0),
    1_000,
  )
})

t.test('a channel whose error can’t be read fails as any other', async (t) => {
  let attempts = 0
  const send = () => {
    attempts++
    throw {
      get isFinal() {
        throw new Error('no')
      },
    }
  }
  const { clock, alerts } = makeCenter({ channels: [remembering('memory', { send })] })
  await alerts.fire(down)
  await clock.advance(600_000)
  t.ok(attempts > 15 && attempts < 30, `${attempts}`)
  t.equal(alerts.stats().channels.memory?.failed, attempts)
})

t.test('a channel that changes what it is given changes it for nobody', async (t) => {
  const send = (notification: { alerts: unknown[] }) => {
    notification.alerts.length = 0
  }
  const { clock, alerts } = makeCenter({ channels: [remembering('memory', { send })] })
  const delivered: string[][] = []
  alerts.on('delivered', ({ keys }) => delivered.push(keys))
  const key = await alerts.fire(down)
  await clock.advance(10_000)
  t.same(delivered, [[key]])
})

t.test('2: fired and resolved while it could not be told: one message, "was down 4 min"', async (t) => {
  const memory = remembering()
  const send = memory.send.bind(memory)
  let isDown = true
  memory.send = (notification, signal) => {
    if (isDown) throw new Error('down')
    return send(notification, signal)
  }
  const { clock, alerts } = makeCenter({ channels: [memory] })
  await alerts.fire(down)
  await clock.advance(240_000)
  await alerts.resolve(down)
  await clock.advance(300_000)
  isDown = false
  await clock.advance(120_000)
  t.same(
    memory.told.map(({ title, status }) => [title, status]),
    [['was down 4 min: the database is down', 'resolved']],
  )
})
