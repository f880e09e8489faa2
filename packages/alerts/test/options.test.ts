import Fastify from 'fastify'
import t from 'tap'
import alerts, { email, log, pagerduty, slack, webhook } from '../src/index.js'
import { remembering, secret, startApp } from './receivers.js'

const base = { service: 'app', channels: [remembering()] }
const rule = { name: 'x', severity: 'error', on: 'errorRate', above: 0.1 }

t.test('12: bad options are thrown, with their codes, names and values', async (t) => {
  const wrong: [options: unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [{}, 'OPTION', 'service must be a text of 1 to 100 characters, not undefined'],
    [{ service: 'app' }, 'OPTION', 'channels must be a list of channels, with one at least, not undefined'],
    [{ ...base, channels: [] }, 'OPTION', 'channels must be a list of channels, with one at least'],
    [{ ...base, channel: [] }, 'UNKNOWN_OPTION', 'channel is no option; there are service, release, channels'],
    [{ ...base, channels: [{ name: 'x' }] }, 'OPTION', 'channels[0].send must be a function, not undefined'],
    [
      { ...base, channels: [{ name: 'x y', send() {} }] },
      'OPTION',
      'channels[0].name must be a text of 1 to 100 letters',
    ],
    [
      { ...base, channels: [{ name: 'x', send() {}, minSeverty: 1 }] },
      'UNKNOWN_OPTION',
      'channels[0].minSeverty is no option',
    ],
    [
      { ...base, channels: [{ name: 'x', send() {}, minSeverity: 'high' }] },
      'OPTION',
      "channels[0].minSeverity must be one of info, warning, error, critical, not 'high'",
    ],
    [{ ...base, channels: [remembering(), remembering()] }, 'OPTION', 'the name of a channel must be used once'],
    [{ ...base, release: '' }, 'OPTION', "release must be a text that is not empty, not ''"],
    [{ ...base, routes: {} }, 'OPTION', 'routes must be a list, not {}'],
    [
      { ...base, routes: [{ match: {}, channels: ['no'] }] },
      'OPTION',
      "routes[0].channels must be names of channels (memory), not 'no'",
    ],
    [
      { ...base, routes: [{ match: { x: 1 }, channels: ['memory'] }] },
      'UNKNOWN_OPTION',
      'routes[0].match.x is no option',
    ],
    [
      { ...base, routes: [{ match: {}, channels: ['memory'], repeatMs: 0 }] },
      'OPTION',
      'routes[0].repeatMs must be a number',
    ],
    [{ ...base, rules: [{ ...rule, on: 'p98Ms' }] }, 'OPTION', 'rules[0].on must be one of errorRate, p95Ms, p99Ms,'],
    [
      { ...base, rules: [{ ...rule, above: 5 }] },
      'OPTION',
      'rules[0].above must be a share, from 0 to less than 1, not 5',
    ],
    [
      { ...base, routes: [{ match: { severity: [] }, channels: ['memory'] }] },
      'OPTION',
      'routes[0].match.severity must be one of info, warning, error, critical, or a list with one of them at least',
    ],
    [{ ...base, rules: [{ ...rule, below: 1 }] }, 'OPTION', 'rules[0] must be given one of above and below'],
    [{ ...base, rules: [{ ...rule, above: Number.NaN }] }, 'OPTION', 'rules[0].above must be a finite number, not NaN'],
    [
      { ...base, rules: [{ ...rule, everyMs: 5 }] },
      'OPTION',
      'rules[0].everyMs must be left out where requests are watched',
    ],
    [
      { ...base, rules: [{ ...rule, on: 'heapUsedBytes', minCount: 5 }] },
      'OPTION',
      'rules[0].minCount must be left out',
    ],
    [
      { ...base, rules: [{ ...rule, windowMs: 10 }] },
      'OPTION',
      'rules[0].windowMs must be a number of milliseconds from 1000',
    ],
    [{ ...base, rules: [rule, rule] }, 'OPTION', "the name of a rule must be used once, not 'x'"],
    [{ ...base, spool: '/tmp' }, 'OPTION', "spool must be an object, not '/tmp'"],
    [{ ...base, spool: { dir: '' } }, 'OPTION', "spool.dir must be a text that is not empty, not ''"],
    [
      { ...base, spool: { dir: '/tmp/x', maxBytes: 10 } },
      'OPTION',
      'spool.maxBytes must be a whole number of bytes, at least 65536, not 10',
    ],
    [{ ...base, claim: 'redis' }, 'OPTION', "claim must be 'local' or { redis }, not 'redis'"],
    [{ ...base, claim: { redis: {} } }, 'OPTION', "claim.redis must be a client of ioredis, not 'object'"],
    [{ ...base, limit: { perMinute: 0 } }, 'OPTION', 'limit.perMinute must be a whole number from 1, not 0'],
    [{ ...base, limit: { perSecond: 1 } }, 'UNKNOWN_OPTION', 'limit.perSecond is no option; there are perMinute'],
    [{ ...base, heartbeat: { url: 'x', everyMs: 1 } }, 'OPTION', 'heartbeat.url must be an http or https URL, not …'],
    [{ ...base, heartbeat: { url: 'https://x' } }, 'OPTION', 'heartbeat.everyMs must be'],
    [{ ...base, groupMs: -1 }, 'OPTION', 'groupMs must be a number of milliseconds from 0'],
    [{ ...base, maxIncidents: 1.5 }, 'OPTION', 'maxIncidents must be a whole number from 1, not 1.5'],
  ]
  for (const [options, code, message] of wrong) {
    const app = Fastify()
    const error = await Promise.resolve(app.register(alerts, options as never)).then(
      () => ({ code: 'none', message: JSON.stringify(options) }),
      (error) => error,
    )
    t.equal(error.code, `ERR_ALERTS_${code}`, message)
    t.ok(error.message.includes(message), error.message)
    await app.close()
  }
})

t.test('12: and those of channels, before anything is registered', async (t) => {
  const url = 'https://example.com/x'
  const wrong: [make: () => unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [() => pagerduty({} as never), 'OPTION', 'pagerduty.routingKey must be a text that is not empty, not undefined'],
    [() => pagerduty({ routingKey: 'x', key: 1 } as never), 'UNKNOWN_OPTION', 'pagerduty.key is no option'],
    [() => pagerduty({ routingKey: 'x', url: 'x' }), 'OPTION', "pagerduty.url must be an http or https URL, not 'x'"],
    [() => slack({ url: 'x' }), 'OPTION', 'slack.url must be an http or https URL, not …'],
    [() => slack({ url, deadlineMs: 0 }), 'OPTION', 'slack.deadlineMs must be a number of milliseconds from 1'],
    [
      () => webhook({ url } as never),
      'OPTION',
      'webhook.secret must be whsec_ and the base64 of 24 to 64 bytes, or a list of these, not undefined',
    ],
    [() => webhook({ url, secret: [] }), 'OPTION', 'webhook.secret must be'],
    [
      () => webhook({ url, secret, allowPrivate: 1 as never }),
      'OPTION',
      'webhook.allowPrivate must be true or false, not 1',
    ],
    [
      () => email({ smtp: 'smtp://x', from: 'a\r\nBcc: b@c.d', to: 'a@b.c' }),
      'OPTION',
      'email.from must be an address',
    ],
    [() => email({ smtp: 'smtp://x', from: 'a@b.c', to: [] }), 'OPTION', 'email.to must be an address'],
    [() => email({ from: 'a@b.c', to: 'a@b.c' }), 'OPTION', 'email must be given one of smtp and transport'],
    [() => log({} as never), 'OPTION', 'log.logger must be a logger, as app.log, not undefined'],
  ]
  for (const [make, code, message] of wrong) {
    try {
      make()
      t.fail(message)
    } catch (error) {
      t.equal((error as { code: string }).code, `ERR_ALERTS_${code}`)
      t.ok((error as Error).message.includes(message), (error as Error).message)
    }
  }
})

t.test('silence() and on() refuse what can’t be used', async (t) => {
  const app = await startApp(t, { channels: [remembering()] })
  await t.rejects(app.alerts.silence({ nam: 'x' } as never, 1), { code: 'ERR_ALERTS_UNKNOWN_OPTION' })
  await t.rejects(app.alerts.silence({ name: 'x' }, 0), { code: 'ERR_ALERTS_OPTION' })
  t.throws(() => app.alerts.on('x' as never, () => {}), { code: 'ERR_ALERTS_OPTION' })
})
