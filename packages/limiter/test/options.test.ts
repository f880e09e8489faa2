import Fastify from 'fastify'
import t from 'tap'
import limiter, { type LimiterOptions } from '../src/index.js'
import { appWith, codes } from './serve.js'

const windowMs = 60_000
const ok = { limit: 1, windowMs }
const named = { name: 'a', ...ok }

t.test('12. what can’t be used is thrown, with its code, its name and its value', async (t) => {
  const wrong: [options: unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [
      { limit: 0, windowMs },
      'OPTION',
      'limit must be a whole number from 1 to 4294967295, or a function that is not async, not 0',
    ],
    [
      { limit: Number.NaN, windowMs },
      'OPTION',
      'limit must be a whole number from 1 to 4294967295, or a function that is not async, not NaN',
    ],
    [{ limit: 1.5, windowMs }, 'OPTION', 'limit must be'],
    [{ limit: '5', windowMs }, 'OPTION', "not '5'"],
    [{ limit: async () => 1, windowMs }, 'OPTION', 'limit must be'],
    [{ limit: 1 }, 'OPTION', 'windowMs must be a whole number of milliseconds from 1 to 31622400000, not undefined'],
    [{ windowMs }, 'OPTION', 'limit must be'],
    [
      { limit: 1, windowMs: -1 },
      'OPTION',
      'windowMs must be a whole number of milliseconds from 1 to 31622400000, not -1',
    ],
    [{ limit: 1, windowMs: 0.5 }, 'OPTION', 'windowMs must be'],
    [
      { limit: 1, windowMs: '1 minute' },
      'OPTION',
      "windowMs must be a whole number of milliseconds from 1 to 31622400000, not '1 minute'",
    ],
    [{ max: 5, timeWindow: 1_000 }, 'UNKNOWN_OPTION', 'max is no option; there are limit, windowMs'],
    [{ ...ok, redisTimeout: 5 }, 'UNKNOWN_OPTION', 'redisTimeout is no option'],
    [
      { ...ok, algorithm: 'token' },
      'OPTION',
      "algorithm must be 'sliding' or 'gcra' or 'fixed' or 'concurrency', not 'token'",
    ],
    [{ ...ok, burst: 5 }, 'OPTION', "burst must be set with algorithm 'gcra' only, not 5"],
    [{ ...ok, key: 'ip' }, 'OPTION', 'key must be a function'],
    [{ ...ok, key: async () => 'x' }, 'OPTION', 'key must be a function that is not async'],
    [{ ...ok, cost: -1 }, 'OPTION', 'cost must be'],
    [{ ...ok, at: 'onSend' }, 'OPTION', "at must be 'onRequest' or 'preHandler', not 'onSend'"],
    [{ ...ok, mode: 'wait' }, 'OPTION', 'mode must be'],
    [{ ...ok, mode: { delay: { maxMs: 5 } } }, 'OPTION', 'mode.delay.maxWaiting must be'],
    [{ ...ok, mode: { delay: { maxMs: 5, maxWaiting: 1, x: 1 } } }, 'UNKNOWN_OPTION', 'mode.delay.x is no option'],
    [{ ...ok, settle: () => 1, cost: 2 }, 'OPTION', 'cost must be left out where settle tells it'],
    [{ ...ok, settle: () => 1, mode: { delay: { maxMs: 1, maxWaiting: 1 } } }, 'OPTION', 'mode must be'],
    [{ ...ok, shadow: 1 }, 'OPTION', 'shadow must be true or false, not 1'],
    [{ ...ok, policies: [] }, 'OPTION', 'policies must be left out where there is limit, not []'],
    [{ policies: {} }, 'OPTION', 'policies must be a list of policies, not {}'],
    [{ policies: [ok] }, 'OPTION', 'policies[0].name must be a name'],
    [
      { policies: [{ ...named, name: 'a b' }] },
      'OPTION',
      "policies[0].name must be a name of 1 to 64 letters, digits and _.:-, not 'a b'",
    ],
    [{ policies: [{ ...named, windows: 1 }] }, 'UNKNOWN_OPTION', 'policies[0].windows is no option'],
    [{ policies: [named, named] }, 'OPTION', "policies must be policies of different names, not [ 'a', 'a' ]"],
    [
      {
        policies: [
          { ...named, group: 'g' },
          { ...named, name: 'b', group: 'g' },
        ],
      },
      'OPTION',
      'policies of different groups',
    ],
    [
      { ...ok, allow: ['10.0.0.0/40'] },
      'OPTION',
      "allow must be addresses and CIDR ranges, as ['10.0.0.0/8', '::1'], or a function that is not async, not '10.0.0.0/40'",
    ],
    [{ ...ok, deny: '10.0.0.1' }, 'OPTION', 'deny must be'],
    [{ ...ok, ipv6Prefix: 0 }, 'OPTION', 'ipv6Prefix must be a number of bits from 1 to 128, not 0'],
    [{ ...ok, redis: {} }, 'OPTION', 'redis must be a client of ioredis, not'],
    [{ ...ok, keyPrefix: '{x}' }, 'OPTION', 'keyPrefix must be a text without braces'],
    [{ ...ok, onRedisError: 'skip' }, 'OPTION', "onRedisError must be 'local' or 'open' or 'closed', not 'skip'"],
    [{ ...ok, redisTimeoutMs: 0 }, 'OPTION', 'redisTimeoutMs must be'],
    [{ ...ok, breaker: { failures: 0 } }, 'OPTION', 'breaker.failures must be'],
    [{ ...ok, breaker: { reset: 1 } }, 'UNKNOWN_OPTION', 'breaker.reset is no option'],
    [{ ...ok, instances: 1.5 }, 'OPTION', 'instances must be'],
    [{ ...ok, headers: 'new' }, 'OPTION', "headers must be 'draft' or 'legacy' or 'both' or false, not 'new'"],
    [{ ...ok, problem: 'yes' }, 'OPTION', 'problem must be'],
    [{ ...ok, notFound: null }, 'OPTION', 'notFound must be'],
    [{ ...ok, maxKeys: 0 }, 'OPTION', 'maxKeys must be'],
  ]
  for (const [options, code, message] of wrong) {
    const app = Fastify()
    const error = (await Promise.resolve(app.register(limiter, options as LimiterOptions)).then(
      () => undefined,
      (error: unknown) => error,
    )) as (Error & { code: string }) | undefined
    t.equal(error?.code, `ERR_LIMITER_${code}`, message)
    t.ok(error?.message.includes(message), `${error?.message}`)
    await app.close().catch(() => {})
  }
  await t.resolves(Promise.resolve(Fastify().register(limiter)), 'no limits but those of routes')
})

t.test('12. a key function that throws is counted, and its request is handled as stated', async (t) => {
  const fail = () => {
    throw new Error('no')
  }
  for (const [onRedisError, expected] of [
    ['local', [200, 200, 429]], // by the address
    ['open', [200, 200, 200]],
    ['closed', [503, 503, 503]],
  ] as const) {
    for (const wrong of [
      { key: fail },
      { key: () => ({}) as never },
      { key: () => Promise.resolve('x') as never },
      { cost: () => Number.NaN },
    ]) {
      const lines: string[] = []
      const app = await appWith(
        t,
        { limit: 2, windowMs, onRedisError, ...wrong },
        {
          logger: { level: 'warn', stream: { write: (line: string) => void lines.push(line) } },
        },
      )
      t.same(await codes(app, 3), expected, onRedisError)
      t.equal(app.limiter.stats().faults, 3)
      t.equal(lines.filter((line) => line.includes('@steadfast/limiter')).length, 1, 'logged once')
    }
  }
  const app = await appWith(t, { limit: fail, windowMs })
  t.same(await codes(app, 1), [503], 'without a limit nobody can tell')
  const shadow = await appWith(t, { limit: fail, windowMs, shadow: true })
  t.same(await codes(shadow, 1), [200])
})

t.test('listeners that throw reach nobody', async (t) => {
  const app = await appWith(t, { limit: 1, windowMs })
  const listener = () => {
    throw new Error('no')
  }
  app.limiter.on('exceeded', listener)
  t.same(await codes(app, 2), [200, 429])
  t.equal(app.limiter.stats().faults, 1)
  app.limiter.off('exceeded', listener)
  t.same(await codes(app, 1), [429])
  t.equal(app.limiter.stats().faults, 1)
  t.throws(() => app.limiter.on('exceded' as never, listener), { code: 'ERR_LIMITER_OPTION' })
})

t.test('keys that are long take no more memory than others, and stay different', async (t) => {
  const app = await appWith(t, { limit: 1, windowMs, key: (request) => `${request.headers.key}` })
  const long = 'x'.repeat(8_000)
  t.same(await codes(app, 2, '/', { key: long }), [200, 429])
  t.same(await codes(app, 1, '/', { key: `${long}y` }), [200])
})
