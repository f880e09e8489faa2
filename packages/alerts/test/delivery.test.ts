import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Received, startReceiver, waitFor } from '@steadfast/testing'
import t from 'tap'
import { webhook } from '../src/index.js'
import { makeCenter } from './centers.js'
import { down, newFolder, remembering, secret, startApp } from './receivers.js'

const names = ({ headers }: Received) =>
  [headers['webhook-id'], Number(headers['webhook-timestamp'])] as [string, number]

t.test('1: 500, then 429 with Retry-After 2, then 202: three POSTs at the right times', async (t) => {
  const receiver = await startReceiver([
    { status: 500 },
    { status: 429, headers: { 'retry-after': '2' } },
    { status: 202 },
  ])
  t.teardown(() => receiver.release())
  const app = await startApp(t, { channels: [webhook({ url: receiver.url, secret, allowPrivate: true })] })
  const failed: unknown[] = []
  app.alerts.on('failed', ({ attempts, reason, isFinal }) => failed.push([attempts, reason, isFinal]))
  const delivered: unknown[] = []
  app.alerts.on('delivered', (details) => delivered.push(details))
  await app.alerts.fire(down)
  await waitFor(() => delivered.length === 1)
  t.match(delivered, [{ channel: 'webhook', attempts: 3 }])
  const [first, second, third] = receiver.received as [Received, Received, Received]
  const firstMs = second.atMs - first.atMs
  t.ok(firstMs >= 95 && firstMs < 1_100, `${firstMs} ms: at least 100, at most 1000`)
  const secondMs = third.atMs - second.atMs
  t.ok(secondMs >= 1_995 && secondMs < 2_500, `${secondMs} ms: 2000`)
  t.same(failed, [
    [1, 'answered 500', false],
    [2, 'answered 429', false],
  ])
  t.equal(new Set(receiver.received.map((post) => names(post)[0])).size, 1, 'one id')
  t.ok(names(third)[1] >= names(first)[1] + 2, 'the time of each attempt')
  await app.close()
  t.equal(receiver.received.length, 3)
})

t.test('1: 400 goes to the dead letters, with one line in the log; a redirect too, and is not followed', async (t) => {
  const other = await startReceiver()
  const receiver = await startReceiver([
    { status: 400, body: 'no' },
    { status: 307, headers: { location: other.url } },
  ])
  t.teardown(() => Promise.all([receiver.release(), other.release()]))
  const lines: string[] = []
  const dir = await newFolder()
  const channels = [webhook({ url: receiver.url, secret, allowPrivate: true })]
  const app = await startApp(t, { channels, spool: { dir } }, lines)
  const letters = async () => (await readFile(join(dir, 'dead-letters.jsonl'), 'utf8')).trim().split('\n')
  await app.alerts.fire(down)
  await waitFor(async () => (await letters()).length === 1)
  t.match(JSON.parse((await letters())[0]!), {
    channel: 'webhook',
    reason: 'answered 400: no',
    alerts: [{ name: 'db' }],
  })
  const about = () => lines.filter((line) => JSON.parse(line).channel === 'webhook')
  t.equal(about().length, 1)
  t.match(JSON.parse(about()[0]!), { level: 50, reason: 'answered 400: no' })
  await app.alerts.resolve(down)
  await app.alerts.fire({ ...down, name: 'other' })
  await waitFor(async () => (await letters()).length === 2)
  t.match(JSON.parse((await letters())[1]!), { reason: 'answered 307', alerts: [{ name: 'other' }] })
  t.equal(about().length, 2)
  t.equal(receiver.received.length, 2, 'what is refused is not resolved')
  t.equal(other.received.length, 0)
  t.match(app.alerts.stats().channels.webhook, { delivered: 0, refused: 2 })
})

t.test('1: 408, 429, 5xx and a lost connection are tried again; 410 ends the channel', async (t) => {
  const receiver = await startReceiver([
    { status: 408 },
    { fault: 'reset' },
    { status: 503 },
    { status: 410 },
    { status: 200 },
  ])
  t.teardown(() => receiver.release())
  const app = await startApp(t, { channels: [webhook({ url: receiver.url, secret, allowPrivate: true })] })
  await app.alerts.fire(down)
  await waitFor(() => app.alerts.stats().channels.webhook?.isGone)
  t.equal(receiver.received.length, 4)
  await app.alerts.fire({ ...down, name: 'other' })
  await app.close()
  t.equal(receiver.received.length, 4)
})

t.test('3: ten flaps are one fire and one resolve', async (t) => {
  const memory = remembering()
  const { clock, alerts } = makeCenter({ channels: [memory] })
  const heard: string[] = []
  alerts.on('fired', () => heard.push('fired')).on('resolved', () => heard.push('resolved'))
  for (let flap = 0; flap < 10; flap++) {
    await alerts.fire(down)
    await clock.advance(700)
    await alerts.resolve(down)
    await clock.advance(700)
  }
  await clock.advance(60_000)
  t.same(
    memory.told.flatMap((told) => told.alerts.map(({ kind }) => kind)),
    ['fire', 'resolve'],
  )
  t.same(heard, ['fired', 'resolved'])
  t.equal(alerts.stats().firing, 0)
})

t.test('3: 100 alerts in a second are one message of 100', async (t) => {
  const memory = remembering()
  const { clock, alerts } = makeCenter({ channels: [memory] })
  for (let n = 0; n < 100; n++) {
    await alerts.fire({ ...down, labels: { host: `h${n}` } })
    await clock.advance(10)
  }
  await clock.advance(60_000)
  t.same(
    memory.told.map((told) => told.alerts.length),
    [100],
  )
  t.equal(memory.told[0]?.title, '100 alerts firing: db')
  for (let n = 0; n < 100; n++) await alerts.resolve({ name: 'db', labels: { host: `h${n}` } })
  await clock.advance(60_000)
  t.same(
    memory.told.map((told) => [told.status, told.alerts.length]),
    [
      ['firing', 100],
      ['resolved', 100],
    ],
  )
})

t.test(
  '3: 1,000 that can’t share a message are the limit and one more, which says how many were suppressed',
  async (t) => {
    const memory = remembering('memory', { batch: 1 })
    const { clock, alerts } = makeCenter({ channels: [memory], limit: { perMinute: 10 } })
    for (let n = 0; n < 1_000; n++) await alerts.fire({ ...down, labels: { n: `${n}` } })
    await clock.advance(59_000)
    t.equal(memory.told.length, 11)
    t.equal(memory.told.at(-1)?.suppressed, 990)
    t.match(memory.told.at(-1)?.title, /^990 suppressed/)
    await clock.advance(600_000)
    t.equal(memory.told.length, 11, 'and nothing of them later')
    for (let n = 0; n < 1_000; n++) await alerts.resolve({ name: 'db', labels: { n: `${n}` } })
    await clock.advance(600_000)
    t.equal(memory.told.filter(({ status }) => status === 'resolved').length, 10, 'who was told hears of the end')
    t.equal(alerts.stats().firing, 0)
  },
)

t.test('3: 1,000 in messages of 100 keep to the limit too, and the worst come first', async (t) => {
  const memory = remembering()
  const { clock, alerts } = makeCenter({ channels: [memory], limit: { perMinute: 3 } })
  for (let n = 0; n < 1_000; n++) {
    await alerts.fire({ ...down, severity: n === 999 ? 'critical' : 'warning', labels: { n: `${n}` } })
  }
  await clock.advance(59_000)
  t.same(
    memory.told.map((told) => [told.alerts.length, told.suppressed]),
    [
      [100, 0],
      [100, 0],
      [100, 0],
      [0, 700],
    ],
  )
  t.equal(memory.told[0]?.alerts[0]?.severity, 'critical')
})

t.test('groups, routes and least severities', async (t) => {
  const [all, some] = [remembering('all'), remembering('some', { minSeverity: 'error' })]
  const { clock, alerts } = makeCenter({
    channels: [all, some],
    routes: [
      { match: { name: /^db/ }, channels: ['all', 'some'], groupBy: ['region'], repeatMs: 60_000 },
      { match: { labels: { team: 'none' } }, channels: ['some'] },
    ],
  })
  for (const region of ['a', 'a', 'b']) {
    await alerts.fire({
      ...down,
      labels: { region, n: `${Math.random()}` },
      severity: region === 'a' ? 'warning' : 'critical',
    })
  }
  await alerts.fire({ ...down, name: 'x', labels: { team: 'none' } })
  await alerts.fire({ ...down, name: 'y', severity: 'info' })
  await clock.advance(10_000)
  const told = (memory: typeof all) => memory.told.map((each) => each.alerts.map(({ name }) => name))
  t.same(told(all), [['db'], ['db', 'db'], ['y']])
  t.same(told(some), [['db'], ['x']])
  await clock.advance(60_000)
  t.equal(all.told.at(-1)?.alerts[0]?.kind, 'repeat')
})

t.test('6: a change of severity updates the incident', async (t) => {
  const memory = remembering('memory', { minSeverity: 'warning' })
  const { clock, alerts } = makeCenter({ channels: [memory] })
  for (const severity of ['info', 'warning', 'critical', 'critical', 'error', 'info'] as const) {
    await alerts.fire({ ...down, severity })
    await clock.advance(10_000)
  }
  await alerts.resolve(down)
  await clock.advance(10_000)
  const told = memory.told.flatMap((each) => each.alerts.map((a) => [a.kind, a.severity, a.previousSeverity]))
  t.same(told, [
    ['fire', 'warning', undefined],
    ['update', 'critical', 'warning'],
    ['update', 'error', 'critical'],
    ['update', 'info', 'error'],
    ['resolve', 'info', undefined],
  ])
  t.equal(new Set(memory.told.map((each) => each.alerts[0]?.key)).size, 1)
})

t.test('6: a severity that changes, and an end that comes, while a message is on its way', async (t) => {
  const answers: (() => void)[] = []
  const memory = remembering('memory', { batch: 1 })
  const send = memory.send.bind(memory)
  memory.send = (notification, signal) => {
    send(notification, signal)
    return new Promise<void>((resolve) => answers.push(resolve))
  }
  const { clock, alerts } = makeCenter({ channels: [memory] })
  const kinds = () => memory.told.map((each) => `${each.alerts[0]?.kind} ${each.severity}`)
  await alerts.fire({ ...down, severity: 'error' })
  await clock.advance(100)
  await alerts.fire(down)
  answers[0]?.()
  await clock.advance(100)
  t.same(kinds(), ['fire error', 'update critical'])
  await alerts.resolve(down)
  answers[1]?.()
  await clock.advance(6_000)
  await alerts.fire(down)
  answers[2]?.()
  await clock.advance(100)
  t.same(kinds().slice(2), ['resolve critical', 'fire critical'])
})

t.test('3: an end that waits for the limit is not told of what has begun again meanwhile', async (t) => {
  const memory = remembering('memory', { batch: 1 })
  const { clock, alerts } = makeCenter({ channels: [memory], limit: { perMinute: 2 } })
  await alerts.fire(down)
  await alerts.fire({ ...down, name: 'other' })
  await clock.advance(100)
  await alerts.resolve(down)
  await clock.advance(10_000) // it waits now
  await alerts.fire(down)
  await clock.advance(300_000)
  t.same(
    memory.told.map(({ status }) => status),
    ['firing', 'firing'],
  )
  t.same(alerts.pending(), [])
})

t.test('6: acknowledge stops repeats', async (t) => {
  const memory = remembering()
  const routes = [{ match: {}, channels: ['memory'], repeatMs: 60_000 }]
  const { clock, alerts } = makeCenter({ channels: [memory], routes })
  const key = await alerts.fire(down)
  await clock.advance(200_000)
  const before = memory.told.length
  t.ok(before >= 3)
  t.equal(await alerts.acknowledge('unknown'), false)
  t.equal(await alerts.acknowledge(key!), true)
  await clock.advance(1_000_000)
  t.equal(memory.told.length, before)
  await alerts.resolve(down)
  await clock.advance(10_000)
  t.equal(memory.told.at(-1)?.alerts[0]?.kind, 'resolve', 'but not the end')
})

t.test('6: silences hold over a restart, and what still fires when they end is told', async (t) => {
  const dir = await newFolder()
  const first = await startApp(t, { channels: [remembering()], spool: { dir } })
  await first.alerts.silence({ name: /^d/, labels: { host: 'a' } }, 1_500)
  await first.close()
  const memory = remembering()
  const again = await startApp(t, { channels: [memory], spool: { dir } })
  await again.alerts.fire({ ...down, labels: { host: 'a' } })
  await again.alerts.fire({ ...down, labels: { host: 'b' } })
  await waitFor(() => memory.told.length >= 1)
  const hosts = () => memory.told.flatMap((told) => told.alerts.map(({ labels }) => labels.host))
  t.same(hosts(), ['b'])
  t.same(again.alerts.pending(), [])
  await waitFor(() => memory.told.length === 2)
  t.same(hosts(), ['b', 'a'])
})

t.test('9: a channel that hangs ends by its deadline, and holds up no other', async (t) => {
  const memory = remembering()
  const signals: AbortSignal[] = []
  const send = (_: unknown, signal: AbortSignal) => {
    signals.push(signal)
    return new Promise(() => {})
  }
  const hanging = remembering('hanging', { deadlineMs: 100, send })
  const app = await startApp(t, { channels: [hanging, memory] })
  await app.alerts.fire(down)
  await waitFor(() => memory.told.length === 1)
  await waitFor(() => signals.length === 2, { what: 'another attempt' })
  t.equal(signals[0]?.aborted, true)
  t.match(app.alerts.pending(), [{ channel: 'hanging', reason: 'no answer within 100 ms' }])
})

t.test('9: fire() never throws into a request nor delays it, and the queue is bounded', async (t) => {
  const send = () => new Promise(() => {})
  const lines: string[] = []
  const app = await startApp(t, { channels: [remembering('hanging', { send })], maxIncidents: 100 }, lines)
  const result = await app.alerts.fire({ name: '' } as never)
  t.equal(result, undefined)
  t.equal(await app.alerts.fire(undefined as never), undefined)
  t.equal(await app.alerts.resolve({} as never), false)
  t.match(
    lines.filter((line) => line.includes('ERR_ALERTS_OPTION')),
    { length: 3 },
  )
  const startMs = performance.now()
  for (let n = 0; n < 150; n++) await app.alerts.fire({ ...down, labels: { n: `${n}` } })
  t.ok(performance.now() - startMs < 3_000)
  const { firing, dropped } = app.alerts.stats()
  t.same([firing, dropped.full, dropped.invalid], [100, 50, 3])
  t.ok(app.alerts.pending().length <= 100)
})

t.test('a listener or a channel that throws harms nobody', async (t) => {
  let attempts = 0
  const channel = remembering('odd', {
    send() {
      if (++attempts === 1) throw 'a text'
    },
  })
  const { clock, alerts } = makeCenter({ channels: [channel] })
  alerts.on('fired', () => Promise.reject(new Error('no')))
  alerts.on('failed', () => {
    throw new Error('no')
  })
  await alerts.fire(down)
  await clock.advance(60_000)
  t.equal(attempts, 2)
})
