import { checkProbeRoutes } from '@steadfast/testing'
import { type Item, parseDictionary, parseList } from 'structured-headers'
import t from 'tap'
import { flatText, LimitText } from '../src/header-text.js'
import limiter from '../src/index.js'
import { ReplyHeaders } from '../src/reply-headers.js'
import { Fastify } from './fastify.js'
import { appWith, codes } from './serve.js'

const windowMs = 60_000

const items = (header: unknown) =>
  (parseList(`${header}`) as Item[]).map(([name, parameters]) => ({ name, ...Object.fromEntries(parameters) }))

t.test(
  '10. RateLimit and RateLimit-Policy are structured fields, and Retry-After is never earlier than t',
  async (t) => {
    const app = await appWith(t, {
      policies: [
        { name: 'burst', limit: 3, windowMs: 1_500, algorithm: 'gcra', burst: 3 },
        { name: 'daily:all', limit: 4, windowMs: 86_400_000, algorithm: 'fixed' },
      ],
    })
    const first = await app.inject('/')
    t.same(items(first.headers['ratelimit-policy']), [
      { name: 'burst', q: 3, w: 2 },
      { name: 'daily:all', q: 4, w: 86_400 },
    ])
    t.same(items(first.headers.ratelimit), [
      { name: 'burst', r: 2, t: 1 },
      { name: 'daily:all', r: 3, t: 86_400 },
    ])
    t.equal(first.headers['retry-after'], undefined)
    t.throws(() => parseDictionary('"a";q=1'), 'the parser refuses what is none')

    const retries = new Set<number>()
    for (let i = 0; i < 60; i++) {
      const { statusCode, headers } = await app.inject('/')
      if (statusCode !== 429) continue
      const now = items(headers.ratelimit) as unknown as { name: string; r: number; t: number }[]
      const retryAfter = Number(headers['retry-after'])
      t.ok(
        now.every((item) => retryAfter >= item.t),
        `${retryAfter} and ${headers.ratelimit}`,
      )
      t.equal(items(headers['ratelimit-policy']).length, 2)
      retries.add(retryAfter)
    }
    t.ok(retries.size > 1, 'it is jittered')
  },
)

t.test('10. legacy headers are those of @fastify/rate-limit', async (t) => {
  const app = await appWith(t, { limit: 2, windowMs, algorithm: 'fixed', headers: 'legacy' })
  const told = async () => {
    const { headers } = await app.inject('/')
    t.notOk('ratelimit' in headers)
    return ['limit', 'remaining', 'reset'].map((name) => headers[`x-ratelimit-${name}`])
  }
  t.same(await told(), ['2', '1', '60'])
  t.same(await told(), ['2', '0', '60'])
  t.same(await told(), ['2', '0', '60'])
  const over = await app.inject('/')
  t.equal(over.statusCode, 429)
  t.ok(Number(over.headers['retry-after']) >= 60)

  const both = await (await appWith(t, { limit: 2, windowMs, headers: 'both' })).inject('/')
  t.match(both.headers, { 'x-ratelimit-limit': '2', ratelimit: /^"default";r=1;t=6[0-3]$/ })
  const none = await (await appWith(t, { limit: 1, windowMs, headers: false })).inject('/')
  t.notOk(Object.keys(none.headers).some((name) => /ratelimit/.test(name)))
})

t.test('10. in shadow mode all is counted, and passes', async (t) => {
  const app = await appWith(t, {
    policies: [
      { name: 'new', limit: 1, windowMs, shadow: true },
      { name: 'old', limit: 4, windowMs },
    ],
  })
  const events: unknown[] = []
  app.limiter.on('exceeded', ({ policies, isShadow }) => events.push([policies, isShadow]))
  t.same(await codes(app, 5), [200, 200, 200, 200, 429])
  t.match(app.limiter.stats(), { shadowed: { new: 3 }, exceeded: { old: 1 } })
  t.same(events, [
    [['new'], true],
    [['new'], true],
    [['new'], true],
    [['old'], false],
  ])
  t.notMatch((await app.inject('/')).headers['ratelimit-policy'], 'new', 'clients are not told')

  const all = await appWith(t, { limit: 1, windowMs, shadow: true })
  all.get('/own', { config: { limiter: { limit: 1, windowMs } } }, async () => 'ok')
  t.same([...(await codes(all, 3)), ...(await codes(all, 3, '/own'))], Array(6).fill(200))
  t.match(all.limiter.stats(), { shadowed: { default: 4 } })
})

t.test('10. what no route takes is limited, or not', async (t) => {
  const app = await appWith(t, { limit: 2, windowMs })
  t.same([...(await codes(app, 1)), ...(await codes(app, 2, '/nowhere'))], [200, 404, 429])
  const free = await appWith(t, { limit: 2, windowMs, notFound: false })
  t.same(await codes(free, 4, '/nowhere'), [404, 404, 404, 404])
})

t.test('10. probes are left alone', async (t) => {
  await t.resolves(
    checkProbeRoutes(
      async (app) => void (await app.register(limiter, { limit: 10, windowMs, deny: [] })),
      (app) => app.limiter.stats().requests.allowed,
    ),
  )
})

t.test('a problem by RFC 9457, or an error for the handler of the app', async (t) => {
  const app = await appWith(t, { limit: 1, windowMs, problem: true })
  await app.inject('/')
  const problem = await app.inject('/')
  t.equal(problem.statusCode, 429)
  t.equal(problem.headers['content-type'], 'application/problem+json')
  t.match(problem.json(), {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    status: 429,
    code: 'ERR_LIMITER_EXCEEDED',
    'violated-policies': ['default'],
  })

  const handled = Fastify()
  t.teardown(() => handled.close())
  await handled.register(limiter, { limit: 1, windowMs })
  let seen: unknown
  handled.setErrorHandler((error, _request, reply) => {
    seen = error
    return reply.code(420).send('calm down')
  })
  handled.get('/', async () => 'ok')
  t.same(await codes(handled, 2), [200, 420])
  t.match(seen, { code: 'ERR_LIMITER_EXCEEDED', statusCode: 429, violatedPolicies: ['default'] })
  t.ok((seen as { retryAfterMs: number }).retryAfterMs > 50_000)
})

t.test('the text of a limit is right, whichever numbers follow which', (t) => {
  const text = new LimitText('a')
  const numbers = [0, 1, 9, 10, 99, 100, 101, 4_294_967_295, 4_294_967_294, 999_999_999, 1_000_000_000]
  for (let i = 0; i < 20_000; i++) {
    const near = numbers[i % numbers.length]!
    const remaining = i % 3 ? Math.max(0, near - (i % 13)) : Math.floor(Math.random() * 10 ** (i % 10))
    const seconds = Math.floor(i / 50)
    const told = flatText(text.tell(remaining, seconds))
    if (told !== `"a";r=${remaining};t=${seconds}`) t.equal(told, `"a";r=${remaining};t=${seconds}`)
  }
  t.equal(flatText(Array(20_000).fill(97)), 'a'.repeat(20_000))
  t.end()
})

t.test('a reply that keeps its headers elsewhere gets them by its own function', (t) => {
  const headers: Record<string, unknown> = {}
  const reply = {
    header(name: string, value: unknown) {
      headers[name] = value
      return reply
    },
    getHeader: (name: string) => headers[name],
    removeHeader: (name: string) => delete headers[name],
  }
  const own = new ReplyHeaders()
  for (const limits of ['"a";r=1;t=1', '"a";r=0;t=1']) {
    own.setDraft(reply as never, '"a";q=1;w=1', limits)
    t.same(headers, { 'ratelimit-policy': '"a";q=1;w=1', ratelimit: limits })
  }
  t.end()
})
