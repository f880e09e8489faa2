import Fastify from 'fastify'
import t from 'tap'
import limiter from '../src/index.js'
import { codes } from './serve.js'

/** What the README says becomes of an app on @fastify/rate-limit. */
t.test('13. moving from @fastify/rate-limit', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(limiter, {
    limit: 4,
    windowMs: 60_000,
    algorithm: 'fixed',
    headers: 'legacy',
    allow: (request) => request.headers['x-health'] === '1',
    key: (request) => `${request.headers['x-api-key'] ?? request.ip}`,
  })
  const exceeded: string[] = []
  app.limiter.on('exceeded', ({ request, key }) => exceeded.push(`${request?.url} ${key}`))
  app.setErrorHandler((error: { code?: string; statusCode?: number; retryAfterMs?: number }, _request, reply) =>
    error.code === 'ERR_LIMITER_EXCEEDED'
      ? reply.code(429).send({ error: 'slow down', seconds: Math.ceil((error.retryAfterMs ?? 0) / 1_000) })
      : reply.code(error.statusCode ?? 500).send({ error: 'other' }),
  )
  app.get('/', async () => 'ok')
  app.get('/strict', { config: { limiter: { limit: 1, windowMs: 60_000, algorithm: 'fixed' } } }, async () => 'ok')
  app.get('/free', { config: { limiter: false } }, async () => 'ok')
  app.get(
    '/hooked',
    { preHandler: app.limiter.hook({ limit: 1, windowMs: 60_000 }), config: { limiter: false } },
    async () => 'ok',
  )
  for (const url of ['/a', '/b']) {
    app.get(url, { config: { limiter: { limit: 1, windowMs: 60_000, group: 'ab', inherit: false } } }, async () => 'ok')
  }

  const first = await app.inject('/')
  t.match(first.headers, { 'x-ratelimit-limit': '4', 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '60' })
  t.same(await codes(app, 4), [200, 200, 200, 429])
  const last = await app.inject('/')
  t.match(last.json(), { error: 'slow down', seconds: 60 })
  t.match(last.headers, { 'x-ratelimit-remaining': '0' })
  t.ok(Number(last.headers['retry-after']) >= 60)
  t.same(exceeded, ['/ 127.0.0.1', '/ 127.0.0.1'])
  t.same(await codes(app, 5, '/', { 'x-health': '1' }), [200, 200, 200, 200, 200], 'allowList')
  t.same(await codes(app, 1, '/', { 'x-api-key': 'other' }), [200], 'keyGenerator')
  t.same(await codes(app, 2, '/strict', { 'x-api-key': 'other' }), [200, 429], 'a route’s own max')
  t.same(await codes(app, 6, '/free'), Array(6).fill(200), 'rateLimit: false')
  t.same(await codes(app, 2, '/hooked'), [200, 429], 'app.rateLimit()')
  t.same([...(await codes(app, 1, '/a')), ...(await codes(app, 1, '/b'))], [200, 429], 'groupId')
  t.same(await codes(app, 1, '/nowhere'), [429], 'a 404 counts with the rest')
  t.match(await app.limiter.peek('127.0.0.1', ['default']), { isAllowed: false }, '{ increment: false }')

  const none = Fastify()
  t.teardown(() => none.close())
  await none.register(limiter)
  none.get('/', async () => 'ok')
  t.same(await codes(none, 3), [200, 200, 200], 'global: false')
})
