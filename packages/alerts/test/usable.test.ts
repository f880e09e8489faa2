import t from 'tap'
import { Usable } from '../src/usable.js'
import { down, remembering, secret, startApp } from './receivers.js'

const circular: Record<string, unknown> = {}
circular.self = circular
const hostile = {
  get text() {
    throw new Error('no')
  },
}

t.test('a part that can’t be used does not cost the alert', async (t) => {
  const lines: string[] = []
  const app = await startApp(t, { channels: [remembering()] }, lines)
  const parts: object[] = [
    { labels: { status: 500, isUp: false } },
    { labels: { a: undefined } },
    { labels: null },
    { labels: { a: 'x'.repeat(5_000) } },
    { labels: Object.fromEntries(Array.from({ length: 80 }, (_, n) => [`l${n}`, 'x'])) },
    { value: Number.NaN },
    { threshold: Infinity },
    { runbookUrl: 'the wiki' },
    { details: circular },
    { details: { big: 1n } },
    { details: hostile },
    { details: { text: 'x'.repeat(70_000) } },
    { summary: '' },
    { summary: undefined },
    { serverity: 'x' },
    { name: 'x'.repeat(500) },
  ]
  for (const [n, part] of parts.entries()) {
    const alert = { ...down, name: `n${n}`, ...part }
    t.type(await app.alerts.fire(alert as never), 'string', `${Object.keys(part)}`)
    t.equal(await app.alerts.resolve(alert as never), true, 'and its end finds it')
  }
  t.equal(app.alerts.stats().dropped.invalid, 0)
  t.ok(lines.filter((line) => line.includes('can’t be used')).length >= parts.length)
  for (const without of [{}, { name: 'x', severity: 'fatal' }, { severity: 'error' }]) {
    t.equal(await app.alerts.fire(without as never), undefined)
  }
  t.equal(app.alerts.stats().dropped.invalid, 3)
})

t.test('what is left out or cut', (t) => {
  const usable = new Usable([])
  const input = { ...down, summary: '', value: Number.NaN, labels: { status: 500, at: null, long: 'x'.repeat(2_000) } }
  const alert = usable.alert(input as never)
  t.same(alert, {
    name: 'db',
    severity: 'critical',
    summary: 'db',
    labels: { long: `${'x'.repeat(995)}…`, status: '500' },
  })
  t.match(usable.faults, [
    'labels.at must be a text, not object',
    'labels.long is cut',
    "summary must be a text that is not empty, not ''",
    'value must be a finite number, not NaN',
  ])
  t.end()
})

t.test('10: secrets that an alert brings along are taken out of it', async (t) => {
  const { webhook, pagerduty } = await import('../src/index.js')
  const url = 'http://localhost:1/services/T0/B0/hidden-token'
  const memory = remembering()
  const lines: string[] = []
  const channels = [memory, webhook({ url, secret }), pagerduty({ routingKey: 'hidden-routing-key', url })]
  const app = await startApp(t, { channels }, lines)
  const text = `can't post to ${url} with ${secret} and hidden-routing-key`
  await app.alerts.fire({ ...down, summary: text, labels: { text }, details: { deep: [{ text }] } })
  await app.close()
  t.equal(memory.told.length, 1)
  t.notMatch(JSON.stringify(memory.told) + lines.join(''), /hidden|whsec_/)
  t.match(memory.told[0]?.title, /can't post to … with … and …/)
})
