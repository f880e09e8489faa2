import { startRedis, uniquePrefix } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import limiter, { type LimiterOptions, type Policy } from '../src/index.js'
import { Fastify } from './fastify.js'

const windowMs = 60_000

/** Only failed logins count. */
const logins: Policy = {
  name: 'logins',
  limit: 5,
  windowMs,
  settle: (_request, reply) => (reply.statusCode === 401 ? 1 : 0),
}

async function loginApp(t: Test, options: LimiterOptions) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(limiter, options)
  app.post<{ Body: { password: string } }>(
    '/login',
    { config: { limiter: { policies: [logins] } } },
    async (request, reply) => {
      await new Promise((resolve) => setImmediate(resolve))
      if (request.body.password !== 'right') reply.code(401)
      return 'done'
    },
  )
  const login = (password: string) => app.inject({ method: 'POST', url: '/login', payload: { password } })
  return { app, login }
}

async function redisOptions(t: Test): Promise<LimiterOptions> {
  const { url } = await startRedis()
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  return { redis, keyPrefix: uniquePrefix(), redisTimeoutMs: 5_000 }
}

for (const [store, optionsOf] of [
  ['memory', async () => ({})],
  ['Redis', redisOptions],
] as const) {
  t.test(`6. ${store}: only failed logins count`, async (t) => {
    const { login, app } = await loginApp(t, await optionsOf(t))
    const good = await Promise.all(Array.from({ length: 50 }, () => login('right')))
    t.ok(good.every(({ statusCode }) => statusCode === 200))
    for (let left = 4; left >= 0; left--) {
      const { statusCode, headers } = await login('wrong')
      t.equal(statusCode, 401)
      t.match(headers.ratelimit, `"logins";r=${left};`, 'told after it is settled')
    }
    t.equal((await login('right')).statusCode, 429, 'the sixth')
    t.match(app.limiter.stats(), { exceeded: { logins: 1 } })
  })

  t.test(`6. ${store}: bad logins at the same time overshoot by no more than those in flight`, async (t) => {
    const { login } = await loginApp(t, await optionsOf(t))
    const inFlight = 20
    const bad = await Promise.all(Array.from({ length: inFlight }, () => login('wrong')))
    t.ok(bad.filter(({ statusCode }) => statusCode === 401).length <= 5 + inFlight)
    t.equal((await login('wrong')).statusCode, 429, 'and none comes after them')
  })
}

t.test('6. settle for all routes, and one that fails', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(limiter, {
    limit: 2,
    windowMs,
    settle: (request) => (request.headers.fail ? (undefined as never) : request.headers.free ? 0 : 1),
  })
  app.get('/', async () => 'ok')
  const ask = async (headers = {}) => (await app.inject({ url: '/', headers })).statusCode
  t.same([await ask({ free: '1' }), await ask({ free: '1' }), await ask({ free: '1' })], [200, 200, 200])
  t.same([await ask(), await ask({ fail: '1' }), await ask({ free: '1' })], [200, 200, 429])
  t.equal(app.limiter.stats().faults, 1)
})
