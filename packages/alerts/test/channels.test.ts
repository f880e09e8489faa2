import { setTimeout as sleep } from 'node:timers/promises'
import { type Receiver, startReceiver, waitFor } from '@steadfast/testing'
import PostalMime, { type Email } from 'postal-mime'
import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import { type AlertInput, email, log, type NotifiedAlert, pagerduty, slack, webhook } from '../src/index.js'
import { startMailServer } from './mail-server.js'
import { bodyOf, down, newFolder, remembering, secret, startApp } from './receivers.js'

const rich: AlertInput = {
  name: 'api/errors',
  severity: 'error',
  summary: 'too many <errors> & more > before',
  labels: { host: 'web-1', route: '/users/:id' },
  value: 0.12,
  threshold: 0.05,
  runbookUrl: 'https://wiki.example.com/runbook?a=1&b=2',
  dashboardUrl: 'https://grafana.example.com/d/1',
  details: { example: 'a "quoted" text' },
}

async function receive(t: Test, answers: Parameters<typeof startReceiver>[0] = [{ status: 202 }]): Promise<Receiver> {
  const receiver = await startReceiver(answers)
  t.teardown(() => receiver.release())
  return receiver
}

const routingKey = 'R0123456789abcdef0123456789abcde'
const json = (receiver: Receiver, n: number) => JSON.parse(receiver.received[n]!.body)

t.test('5: PagerDuty: every field by the rules of Events v2, one dedup_key from trigger to resolve', async (t) => {
  const receiver = await receive(t)
  const channel = pagerduty({ routingKey, url: `${receiver.url}/v2/enqueue`, allowPrivate: true })
  const app = await startApp(t, { release: '1.2.3', channels: [channel] })
  await app.alerts.fire(rich)
  await receiver.whenReceived(1)
  await app.alerts.fire({ ...rich, severity: 'critical' })
  await receiver.whenReceived(2)
  await app.alerts.resolve(rich)
  await receiver.whenReceived(3)
  const events = receiver.received.map((_, n) => json(receiver, n))
  for (const event of events) checkEvent(t, event)
  t.same(
    events.map(({ event_action, payload }) => [event_action, payload.severity]),
    [
      ['trigger', 'error'],
      ['trigger', 'critical'],
      ['resolve', 'critical'],
    ],
  )
  t.equal(new Set(events.map(({ dedup_key }) => dedup_key)).size, 1)
  const [{ payload, client, client_url, links }] = events
  t.match(payload, { summary: `error: ${rich.summary}`, class: rich.name, component: 'app' })
  t.match(payload.custom_details, {
    ...rich.details,
    labels: rich.labels,
    value: 0.12,
    threshold: 0.05,
    release: '1.2.3',
  })
  t.same([client, client_url, links], ['app', rich.dashboardUrl, [{ href: rich.runbookUrl, text: 'Runbook' }]])
  t.ok(receiver.received.every(({ method, url }) => method === 'POST' && url === '/v2/enqueue'))
})

t.test(
  '5: PagerDuty: summaries of 1,024 and events of 512 KB at most; what is over is an incident of its own',
  async (t) => {
    const receiver = await receive(t)
    const channel = pagerduty({ routingKey, url: receiver.url, allowPrivate: true })
    const memory = remembering()
    const app = await startApp(t, { channels: [channel, memory] })
    await app.alerts.fire({
      ...rich,
      name: 'n'.repeat(200),
      summary: '😀'.repeat(4_000),
      labels: { l: 'ü'.repeat(999) },
    })
    await receiver.whenReceived(1)
    checkEvent(t, json(receiver, 0))
    t.ok(json(receiver, 0).payload.summary.isWellFormed?.() ?? true)
    const notification = { ...memory.told[0]!, alerts: [] as NotifiedAlert[] }
    await waitFor(() => memory.told.length === 1)
    const huge = { ...memory.told[0]!.alerts[0]!, details: { text: 'x'.repeat(600_000) } }
    await channel.send({ ...notification, ...memory.told[0]!, alerts: [huge] }, new AbortController().signal)
    t.ok(receiver.received[1]!.body.length < 524_288)
    checkEvent(t, json(receiver, 1))
    t.same(json(receiver, 1).payload.custom_details, { trimmed: 'the event was too large' })
    const over = { ...huge, details: {}, kind: 'over' as const, status: 'resolved' as const, durationMs: 240_000 }
    await channel.send({ ...memory.told[0]!, status: 'resolved', alerts: [over] }, new AbortController().signal)
    const [trigger, resolve] = [json(receiver, 2), json(receiver, 3)]
    t.match(trigger, { event_action: 'trigger', payload: { severity: 'info', summary: /^was down 4 min: / } })
    t.match(resolve, { event_action: 'resolve', dedup_key: trigger.dedup_key })
  },
)

/** https://developer.pagerduty.com/docs/send-alert-event */
function checkEvent(t: Test, event: Record<string, unknown>): void {
  const payload = event.payload as Record<string, unknown>
  t.equal(event.routing_key, routingKey)
  t.match(event.event_action, /^(trigger|resolve)$/)
  t.match(event.dedup_key, /^[\w./-]{1,255}$/)
  t.ok(`${payload.summary}`.length >= 1 && `${payload.summary}`.length <= 1_024)
  t.match(payload.severity, /^(critical|error|warning|info)$/)
  t.ok(`${payload.source}`.length > 0)
  t.match(payload.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const known = ['routing_key', 'event_action', 'dedup_key', 'payload', 'client', 'client_url', 'links', 'images']
  t.same(
    Object.keys(event).filter((key) => !known.includes(key)),
    [],
  )
  const parts = ['summary', 'source', 'severity', 'timestamp', 'component', 'group', 'class', 'custom_details']
  t.same(
    Object.keys(payload).filter((key) => !parts.includes(key)),
    [],
  )
}

t.test(
  '5: dedup keys: the same over processes and restarts, without time or severity, apart for other labels',
  async (t) => {
    const keys: (string | undefined)[] = []
    for (const service of ['app', 'app', 'other']) {
      const app = await startApp(t, { service, channels: [remembering()] })
      keys.push(await app.alerts.fire({ ...down, labels: { b: '2', a: '1' } }))
      keys.push(await app.alerts.fire({ ...down, severity: 'info', labels: { a: '1', b: '2' } }))
      keys.push(await app.alerts.fire({ ...down, labels: { a: '1' } }))
    }
    t.same(keys.slice(0, 3), keys.slice(3, 6))
    t.equal(keys[0], keys[1])
    t.equal(new Set(keys).size, 4)
    t.equal(keys[0], 'app/db/b58585c04c1fa513fb4bec1761536da7', 'and over releases of the package')
  },
)

t.test('5: Slack: text set, escaped, within every limit, with a colour', async (t) => {
  const receiver = await receive(t, [{ body: 'ok' }])
  const memory = remembering()
  const channel = slack({ url: `${receiver.url}/services/T0/B0/token`, allowPrivate: true })
  const app = await startApp(t, { channels: [channel, memory] })
  await app.alerts.fire(rich)
  await receiver.whenReceived(1)
  const message = json(receiver, 0)
  t.equal(message.text, 'error: too many &lt;errors&gt; &amp; more &gt; before')
  t.equal(message.attachments[0].color, '#e8590c')
  checkMessage(t, message)
  t.match(JSON.stringify(message), 'runbook?a=1&amp;b=2')
  t.match(JSON.stringify(message), 'host: web-1')
  await waitFor(() => memory.told.length === 1)
  const told = memory.told[0]!
  const [alert] = told.alerts as [NotifiedAlert]
  const send = (alerts: NotifiedAlert[], title: string) =>
    channel.send({ ...told, title, alerts }, new AbortController().signal)
  const long = {
    ...alert,
    summary: '&<>'.repeat(3_000),
    labels: Object.fromEntries([...'abcdefgh'].map((l) => [l, '<'.repeat(990)])),
  }
  await send([long], `critical: ${long.summary}`)
  await send(
    Array.from({ length: 100 }, () => long),
    '😀'.repeat(5_000),
  )
  for (const n of [1, 2]) checkMessage(t, json(receiver, n))
  t.match(JSON.stringify(json(receiver, 2)), /… and \d+ more/)
  await app.alerts.resolve(rich)
  await receiver.whenReceived(4)
  t.equal(json(receiver, 3).attachments[0].color, '#2e9e44')
  t.match(json(receiver, 3).text, /^resolved after \d+ s: too many/)
})

/** https://docs.slack.dev/reference/block-kit/blocks, and formatting of message text */
function checkMessage(t: Test, { text, attachments }: { text: string; attachments: { blocks: never[] }[] }): void {
  t.ok(text.length > 0 && text.length <= 4_000, 'text')
  t.ok(attachments.length <= 20)
  const blocks = attachments.flatMap((each) => each.blocks) as { type: string; text?: { type: string; text: string } }[]
  t.ok(blocks.length <= 50, `${blocks.length} blocks`)
  for (const block of blocks) {
    if (block.type !== 'section') continue
    t.equal(block.text?.type, 'mrkdwn')
    const { length } = block.text!.text
    t.ok(length >= 1 && length <= 3_000, `a section of ${length}`)
    t.notMatch(block.text!.text, /<|>|&(?!(amp|lt|gt);)/, 'escaped')
  }
}

t.test('5: Slack: one message a second', async (t) => {
  const receiver = await receive(t, [{ body: 'ok' }])
  const app = await startApp(t, { channels: [slack({ url: receiver.url, allowPrivate: true })] })
  for (const name of ['a', 'b']) {
    await app.alerts.fire({ ...down, name })
    await receiver.whenReceived(name === 'a' ? 1 : 2)
  }
  const [first, second] = receiver.received
  t.ok(second!.atMs - first!.atMs >= 990)
})

t.test('5: webhook: Standard Webhooks, checked by their own library, also while secrets are changed', async (t) => {
  const receiver = await receive(t, [{ status: 503 }, { status: 200 }])
  const next = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const app = await startApp(t, {
    channels: [webhook({ url: receiver.url, secret: [next, secret], allowPrivate: true })],
  })
  await app.alerts.fire(rich)
  await receiver.whenReceived(2)
  for (const post of receiver.received) {
    const headers = post.headers as Record<string, string>
    t.equal(headers['content-type'], 'application/json')
    t.match(headers['webhook-signature'], /^v1,[\w+/]{43}= v1,[\w+/]{43}=$/)
    for (const each of [next, secret]) t.match(new Webhook(each).verify(post.body, headers), { type: 'alerts.firing' })
    const wrong = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
    t.throws(() => new Webhook(wrong).verify(post.body, headers))
    t.throws(() => new Webhook(secret).verify(`${post.body} `, headers))
  }
  const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
  t.equal(ids[0], ids[1])
  const { service, host, pid, sentAt, alerts } = bodyOf(receiver.received[0]!)
  t.match({ service, host, pid, sentAt }, { service: 'app', host: String, pid: process.pid, sentAt: /Z$/ })
  const { key, kind, status, startsAt, durationMs, ...rest } = alerts[0]!
  t.same(rest, rich)
  t.match(
    { key, kind, status, startsAt, durationMs },
    { key: /^app\//, kind: 'fire', status: 'firing', durationMs: Number },
  )
})

t.test('5: email over SMTP: headers that can’t be injected into, and one thread from fire to resolve', async (t) => {
  const server = await startMailServer(t)
  const channel = email({
    smtp: server.url,
    from: 'Alerts <alerts@example.com>',
    to: ['a@example.com', 'b@example.com'],
  })
  const app = await startApp(t, { channels: [channel] })
  const evil = {
    ...rich,
    summary: 'down\r\nBcc: evil@example.com\r\n\r\nbody',
    name: 'x\r\nX-Evil: 1',
    labels: { h: 'a\nb' },
  }
  await app.alerts.fire(evil)
  await server.whenReceived(1)
  await app.alerts.resolve(evil)
  await server.whenReceived(2)
  const mails = (await Promise.all(server.received.map(({ raw }) => PostalMime.parse(raw)))) as [Email, Email]
  for (const mail of mails) {
    t.same(mail.from, { address: 'alerts@example.com', name: 'Alerts' })
    t.same(
      mail.to?.map(({ address }) => address),
      ['a@example.com', 'b@example.com'],
    )
    t.same([mail.bcc, mail.cc], [undefined, undefined])
    const names = mail.headers.map(({ key }) => key).sort()
    t.same(
      names.filter((name) => /evil|bcc/.test(name)),
      [],
    )
    t.ok(mail.headers.some(({ key, value }) => key === 'auto-submitted' && value === 'auto-generated'))
  }
  t.same(server.received[0]?.to, ['a@example.com', 'b@example.com'])
  const [fire, resolve] = mails
  t.equal(fire.subject, '[app] error: down Bcc: evil@example.com body')
  t.match(resolve.subject, /^\[app\] resolved after \d+ s: down Bcc: evil@example\.com body$/)
  t.match(fire.text, 'threshold: 0.05')
  t.not(fire.messageId, resolve.messageId)
  t.equal(fire.inReplyTo, resolve.inReplyTo)
  t.ok(server.received.every(({ raw }) => raw.split('\r\n').every((line) => line.length <= 998)))
})

t.test('5: email: 4yz is tried again, 5yz is not', async (t) => {
  const dir = await newFolder()
  const server = await startMailServer(t, [451, 550])
  const channel = email({ smtp: server.url, from: 'a@example.com', to: 'b@example.com' })
  const app = await startApp(t, { channels: [channel], spool: { dir } })
  const failed: unknown[] = []
  app.alerts.on('failed', ({ isFinal, reason }) => failed.push([isFinal, reason]))
  await app.alerts.fire(down)
  await waitFor(() => failed.length === 2)
  t.same(failed, [
    [false, 'mail: 451 (EENVELOPE)'],
    [true, 'mail: 550 (EENVELOPE)'],
  ])
  await sleep(0)
  t.equal(server.received.length, 0)
})

t.test('5: log: a line for each alert', async (t) => {
  const lines: string[] = []
  const write = (level: string) => (_details: object, message: string) => void lines.push(`${level} ${message}`)
  const logger = { info: write('info'), warn: write('warn'), error: write('error') }
  const app = await startApp(t, { channels: [log({ logger })] })
  await app.alerts.fire(down)
  await app.alerts.fire({ ...down, name: 'other', severity: 'warning' })
  await waitFor(() => lines.length === 2)
  await app.alerts.resolve(down)
  await waitFor(() => lines.length === 3)
  t.same(lines.slice(0, 2), [`error critical: ${down.summary}`, `warn warning: ${down.summary}`])
  t.match(lines[2], /^info resolved after/)
})

t.test('test(channel) says that it is a test, and why it fails', async (t) => {
  const receiver = await receive(t, [{ status: 202 }, { status: 202 }, { status: 403, body: 'no' }])
  const url = receiver.url
  const channels = [pagerduty({ routingKey, url, allowPrivate: true }), webhook({ url, secret, allowPrivate: true })]
  const app = await startApp(t, { channels })
  await app.alerts.test('pagerduty')
  t.match(json(receiver, 0).payload, { summary: 'test: app can be heard', severity: 'info' })
  await app.alerts.test('webhook')
  t.equal(json(receiver, 1).type, 'alerts.test')
  await t.rejects(app.alerts.test('webhook'), { code: 'ERR_ALERTS_DELIVERY', message: 'webhook: answered 403: no' })
  await t.rejects(app.alerts.test('x'), { code: 'ERR_ALERTS_UNKNOWN_CHANNEL', message: /pagerduty, webhook/ })
})
