import { type Item, parseList } from 'structured-headers'
import t from 'tap'
import limiter, { type LimiterOptions } from '../src/index.js'
import { warnOfTrustProxy } from '../src/trust-proxy.js'
import { Fastify } from './fastify.js'
import { appWith, codes } from './serve.js'

const windowMs = 60_000
const no = () => Promise.reject(new Error('no')) as never

t.test('a promise from a function that must not be async is a fault, and ends nothing when it fails', async (t) => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  for (const wrong of [{ key: no }, { limit: no }, { cost: no }, { settle: no }, { allow: no }, { deny: no }]) {
    const app = await appWith(t, { limit: 5, windowMs, ...wrong })
    await codes(app, 1)
    t.equal(app.limiter.stats().faults, 1, `${Object.keys(wrong)}`)
  }
  const app = await appWith(t, { limit: 1, windowMs })
  app.limiter.on('exceeded', no)
  t.same(await codes(app, 2), [200, 429])
  await new Promise((resolve) => setImmediate(resolve))
  t.same(unhandled, [])
  t.equal(app.limiter.stats().faults, 1, 'and so is a listener that fails later')
  t.throws(() => app.limiter.on('exceeded', 'x' as never), { code: 'ERR_LIMITER_OPTION' })
})

t.test('a key that is undefined, or no number, is a fault, and counts for the address', async (t) => {
  for (const key of [undefined, Number.NaN]) {
    const app = await appWith(t, { limit: 2, windowMs, key: () => key as never })
    t.same(await codes(app, 3), [200, 200, 429], `${key}`)
    t.equal(app.limiter.stats().faults, 3)
  }
  const app = await appWith(t, { limit: 1, windowMs, key: () => 42 })
  t.same(await codes(app, 2), [200, 429])
  t.match(app.limiter.stats(), { faults: 0 })
})

t.test('t is when there is more, and never later than Retry-After', async (t) => {
  for (const options of [{ limit: 1 }, { limit: 5, burst: 1, algorithm: 'gcra', cost: () => 3 }] as const) {
    const app = await appWith(t, { windowMs: 900_000, headers: 'both', ...options } as LimiterOptions)
    await codes(app, 1)
    const { headers } = await app.inject('/')
    const [[, parameters]] = parseList(`${headers.ratelimit}`) as [Item]
    t.equal(Number(headers['x-ratelimit-reset']), parameters.get('t'))
    t.ok(Number(parameters.get('t')) > 100 && Number(headers['retry-after']) >= Number(parameters.get('t')))
  }
})

t.test('headers of many policies, and of large numbers', async (t) => {
  const limits = [1, 10, 11, 101, 1_000, 1_001, 99_999, 1e9, 4_294_967_295]
  const policies = Array.from({ length: 300 }, (_, i) => ({
    name: `policy-${i}-${'x'.repeat(20)}`,
    limit: limits[i % limits.length]!,
    windowMs: 10 ** (3 + (i % 7)),
    algorithm: 'fixed' as const,
  }))
  const app = await appWith(t, { policies })
  for (const _ of [1, 2]) {
    const { headers } = await app.inject({ url: '/', remoteAddress: `10.0.0.${_}` })
    const items = (parseList(`${headers.ratelimit}`) as Item[]).map(([name, rest]) => [name, Object.fromEntries(rest)])
    t.same(
      items,
      policies.map(({ name, limit, windowMs }) => [name, { r: limit - 1, t: windowMs / 1_000 }]),
    )
    t.equal((parseList(`${headers['ratelimit-policy']}`) as Item[]).length, 300)
  }
})

t.test(
  'gcra: a tenth of the limit at once, unless told otherwise, so that no window has twice the limit',
  async (t) => {
    const app = await appWith(t, { limit: 25, windowMs, algorithm: 'gcra' })
    t.same(await codes(app, 4), [200, 200, 200, 429])
  },
)

t.test('a cost that never fits is refused at boot', async (t) => {
  for (const options of [
    { limit: 5, windowMs, cost: 6 },
    { limit: 50, windowMs, cost: 6, algorithm: 'gcra' },
    { limit: 50, burst: 4, windowMs, cost: 5, algorithm: 'gcra' },
  ] as const) {
    await t.rejects(Promise.resolve(Fastify().register(limiter, options)), { code: 'ERR_LIMITER_OPTION' })
  }
  const app = await appWith(t, { limit: 5, windowMs })
  t.throws(() => app.get('/dear', { config: { limiter: { cost: 6 } } }, async () => 'ok'), {
    code: 'ERR_LIMITER_OPTION',
  })
})

t.test('one limiter within another is refused, whichever comes first', async (t) => {
  const app = Fastify()
  app.register(async (child) => void (await child.register(limiter, { limit: 5, windowMs })))
  app.register(limiter, { limit: 9, windowMs })
  await t.rejects(Promise.resolve(app.ready()), { code: 'ERR_LIMITER_REGISTERED_TWICE' })
})

t.test('check: by the policy’s own cost', async (t) => {
  const app = await appWith(t, { policies: [{ name: 'c', limit: 10, windowMs, cost: 4 }] })
  t.match(await app.limiter.check('a', ['c']), { policies: [{ remaining: 6 }] })
  t.match(await app.limiter.check('a', ['c'], 1), { policies: [{ remaining: 5 }] })
})

t.test('hook: leaves probes alone, and needs a limit', async (t) => {
  const app = await appWith(t, {})
  const onRequest = app.limiter.hook({ limit: 1, windowMs })
  app.get('/probe', { config: { steadfast: { probe: true } } as object, onRequest }, async () => 'ok')
  app.get('/other', { config: { limiter: false }, onRequest }, async () => 'ok')
  t.same(await codes(app, 3, '/probe'), [200, 200, 200])
  t.same(await codes(app, 2, '/other'), [200, 429])
  for (const wrong of [{}, { policies: [] }]) {
    t.throws(() => app.limiter.hook(wrong), { code: 'ERR_LIMITER_OPTION' })
  }
})

t.test('a Fastify that does not tell of trustProxy is no reason to fail, or to warn', async (t) => {
  const fail = () => t.fail('it has warned')
  warnOfTrustProxy({} as never, { info: fail, warn: fail })
  t.pass()
})

t.test('check and reset while Redis does not answer', async (t) => {
  let dels = 0
  const fail = () => Promise.reject(new Error('no'))
  const redis = {
    evalsha: fail,
    eval: fail,
    del: async () => {
      dels++
    },
  }
  const app = await appWith(t, { limit: 7, windowMs, redis, onRedisError: 'open', breaker: { failures: 1 } })
  t.match(await app.limiter.check('a', ['default']), { isAllowed: true, policies: [{ remaining: 7 }] })
  await t.rejects(app.limiter.reset('a', ['default']), { code: 'ERR_LIMITER_UNAVAILABLE' })
  t.equal(dels, 0, 'the breaker is open: nobody waits for its deadline')
})
