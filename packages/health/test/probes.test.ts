import { waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import health, { type HealthCheck, type HealthOptions } from '../src/index.js'

const paths = ['/livez', '/readyz', '/startupz', '/health']
const token = 's3cret-of-a-test'
const reason = 'the reason, with a secret in it'
const failing: HealthCheck = {
  kind: 'degraded',
  run: () => {
    throw new Error(reason)
  },
}

/** An app with health, once every check has a result, and what it has logged. */
async function start(t: Test, options: HealthOptions = {}, before?: (app: FastifyInstance) => unknown) {
  const lines: { level: number; msg: string }[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: (line) => lines.push(JSON.parse(line)) } } })
  t.teardown(() => app.close())
  await before?.(app)
  await app.register(health, options)
  const ask = async (url: string, more: InjectOptions = {}) => {
    const { statusCode, headers, body } = await app.inject({ url, ...more })
    return { status: statusCode, headers, body }
  }
  const codes = async () => {
    const answers = await Promise.all(paths.map((path) => ask(path)))
    return answers.map(({ status }) => status)
  }
  const settled = () => waitFor(() => Object.values(app.health.status().checks).every(({ time }) => time))
  return { app, ask, codes, settled, lines }
}

t.test('anonymous bodies hold the status and nothing else', async (t) => {
  const { app, ask, settled } = await start(t, { checks: { cache: failing } })
  await app.ready()
  await settled()
  for (const [i, path] of paths.entries()) {
    const status = ['pass', 'warn', 'pass', 'warn'][i]
    for (const url of [path, `${path}?verbose=1`]) {
      const got = await ask(url)
      t.equal(got.body, `{"status":"${status}"}`, url)
      t.equal(got.status, 200)
      t.match(got.headers, { 'content-type': /^application\/health\+json$/, 'cache-control': 'no-store' })
    }
    const head = await ask(path, { method: 'HEAD' })
    t.equal(head.status, 200)
    t.equal(head.body, '')
    t.match(head.headers, { 'content-type': /^application\/health\+json$/, 'content-length': `${17}` })
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as InjectOptions['method'][]) {
      const refused = await ask(path, { method: method as 'POST', payload: '{"not json' })
      t.equal(refused.status, 405, `${method} ${path}`)
      t.equal(refused.headers.allow, 'GET, HEAD')
      t.equal(refused.headers['cache-control'], 'no-store')
      t.equal(JSON.parse(refused.body).code, 'ERR_HEALTH_METHOD')
    }
  }
})

t.test('details need access', async (t) => {
  const bearer = (value: string) => ({ headers: { authorization: value } })
  const from = (remoteAddress: string) => ({ remoteAddress })
  const header = (value: string) => ({ headers: { 'x-staff': value } })
  const cases: [access: NonNullable<HealthOptions['access']> | undefined, InjectOptions, number][] = [
    [undefined, bearer(`Bearer ${token}`), 0],
    [{ bearer: token }, {}, 0],
    [{ bearer: token }, bearer(`Bearer ${token}`), 200],
    [{ bearer: token }, bearer(`bearer  ${token}`), 200],
    [{ bearer: token }, bearer(`Bearer ${token}x`), 401],
    [{ bearer: token }, bearer(`Bearer ${token.slice(1)}`), 401],
    [{ bearer: token }, bearer(`Basic ${token}`), 401],
    [{ bearer: token }, bearer(''), 401],
    [{ allow: ['10.0.0.0/8', '::1'] }, from('10.1.2.3'), 200],
    [{ allow: ['10.0.0.0/8', '::1'] }, from('::ffff:10.1.2.3'), 200],
    [{ allow: ['10.0.0.0/8', '::1'] }, from('::1'), 200],
    [{ allow: ['10.0.0.0/8', '::1'] }, from('11.1.2.3'), 0],
    [{ allow: ['10.0.0.0/8', '::1'] }, from('::2'), 0],
    [{ allow: ['192.0.2.7'] }, from('192.0.2.7'), 200],
    [{ allow: ['192.0.2.7'] }, from('192.0.2.8'), 0],
    [({ headers }) => headers['x-staff'] === 'yes', header('yes'), 200],
    [({ headers }) => headers['x-staff'] === 'yes', header('no'), 0],
    [(async () => false) as unknown as () => boolean, {}, 0],
    [
      () => {
        throw new Error('no')
      },
      {},
      0,
    ],
  ]
  for (const [access, request, expected] of cases) {
    const { app, ask, settled, lines } = await start(t, { checks: { cache: failing }, ...(access && { access }) })
    await app.ready()
    await settled()
    const { status, body, headers } = await ask('/health', request)
    const known = JSON.parse(body)
    const what = `${JSON.stringify(access) ?? access} ${JSON.stringify(request)}`
    t.equal(headers['cache-control'], 'no-store')
    if (expected === 0) t.same([status, body], [200, '{"status":"warn"}'], what)
    if (expected === 401) {
      t.same([status, known.code], [401, 'ERR_HEALTH_UNAUTHORIZED'], what)
      t.match(headers['www-authenticate'], 'Bearer')
      t.notMatch(body, 'cache')
    }
    if (expected === 200) {
      t.match(known, { status: 'warn', state: 'ready', isStarted: true }, what)
      t.match(known.checks.cache, [{ status: 'fail', output: reason, time: /^\d{4}-.*Z$/, kind: 'degraded' }])
      t.equal(status, 200)
    }
    if (`${access}`.includes('async') || `${access}`.includes('throw')) t.match(lines.at(-1)?.msg, 'nobody is let in')
    const ready = await ask('/readyz', request)
    t.equal(ready.body, '{"status":"warn"}', 'the other probes show them to nobody')
    await app.close()
  }
})

t.test('1,000 probes cause no run, and are answered while a check runs', async (t) => {
  const everyMs = 200
  let runs = 0
  let isSlow = false
  let finish: (() => void) | undefined
  const check: HealthCheck = {
    everyMs,
    timeoutMs: 60_000,
    run: () => {
      runs++
      if (!isSlow) return
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    },
  }
  const { app, ask, settled } = await start(t, { checks: { check } })
  const startMs = performance.now()
  await app.ready()
  await settled()
  const before = runs
  const beforeMs = performance.now()
  for (let i = 0; i < 250; i++) await Promise.all(paths.map((path) => ask(path)))
  const tookMs = performance.now() - beforeMs
  t.ok(runs - before <= tookMs / everyMs + 1, `${runs - before} runs in ${tookMs} ms`)
  t.ok(runs <= (performance.now() - startMs) / everyMs + 1)
  isSlow = true
  await waitFor(() => finish)
  t.equal((await ask('/readyz')).status, 200, 'from the last result')
  finish?.()
})

t.test('a check that hangs keeps no server from booting', async (t) => {
  const signals: AbortSignal[] = []
  const hung: HealthCheck = {
    in: ['ready', 'startup'],
    timeoutMs: 100,
    run(signal) {
      signals.push(signal)
      return new Promise(() => {})
    },
  }
  const { app, ask, codes } = await start(t, { checks: { hung }, access: () => true })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.same(await codes(), [200, 503, 503, 503])
  await waitFor(() => app.health.status().checks.hung?.output === 'timeout')
  t.equal(signals.length, 1)
  t.equal(signals[0]?.reason.name, 'TimeoutError')
  t.match(JSON.parse((await ask('/health')).body).checks.hung, [{ status: 'fail', output: 'timeout' }])
})

t.test('hooks that are added later don’t stand before the probes; those before are warned of once', async (t) => {
  const { app, codes, ask, lines } = await start(t)
  app.addHook('onRequest', async (_request, reply) => reply.code(401).send('who are you?'))
  app.get('/', async () => 'ok')
  t.same(await codes(), [200, 200, 200, 200])
  t.equal((await ask('/')).status, 401)
  const notable = () => lines.filter(({ level }) => level > 30)
  t.same(notable(), [])
  t.same(
    lines.flatMap(({ msg }) => (/request/.test(msg) ? [msg] : [])),
    ['incoming request', 'request completed'],
    'and only the other request is in the access log',
  )

  const late = await start(t, {}, (app) => {
    app.addHook('onRequest', async function authenticate(_request, reply) {
      return reply.code(401).send('who are you?')
    })
  })
  await late.app.ready()
  t.same(await late.codes(), [401, 401, 401, 401])
  const warnings = late.lines.filter(({ level }) => level > 30)
  t.equal(warnings.length, 1)
  t.match(warnings[0]?.msg, /"authenticate\(\)".*register @steadfast\/health first/)
})

t.test('probe routes say so, by the contract, and stand where they are told', async (t) => {
  const routes: { url: string; config?: object }[] = []
  const { app, codes, ask } = await start(t, { paths: { live: '/alive', details: '/' } }, (app) => {
    app.addHook('onRoute', ({ url, config }) => void routes.push({ url, ...(config && { config }) }))
  })
  t.same(
    routes.map(({ url }) => url),
    ['/alive', '/readyz', '/startupz', '/'],
  )
  for (const { config } of routes) t.match(config, { steadfast: { probe: true } })
  await app.ready()
  t.same(await codes(), [404, 200, 200, 404])
  t.equal((await ask('/alive')).status, 200)

  const api = Fastify({ exposeHeadRoutes: false })
  await api.register(async (context) => void (await context.register(health)), { prefix: '/api' })
  t.equal((await api.inject('/api/readyz')).statusCode, 200)
  t.equal((await api.inject({ method: 'HEAD', url: '/api/readyz' })).statusCode, 200)
  await api.close()
})

t.test('what a check throws does no harm in the log either', async (t) => {
  const circular: Record<string, unknown> = { big: 1n }
  circular.self = circular
  const hostile = {
    toJSON() {
      throw new Error('no JSON')
    },
  }
  const checks: Record<string, HealthCheck> = {}
  for (const [i, error] of [circular, hostile, 1n, undefined, Symbol('s'), new Error('told')].entries()) {
    checks[i] = { failAfter: 1, run: () => Promise.reject(error) }
  }
  const { app, settled, lines } = await start(t, { checks })
  await app.ready()
  await settled()
  const warnings = lines.filter(({ level }) => level === 40)
  t.equal(warnings.length, 6, 'a line for each')
  t.match(warnings[5], { msg: 'health check "5": fail, told', err: { message: 'told', stack: /probes\.test/ } })
})
