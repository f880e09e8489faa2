import Fastify from 'fastify'
import t from 'tap'
import health, {
  cpuCheck,
  diskCheck,
  eventLoopCheck,
  type HealthCheck,
  type HealthOptions,
  memoryCheck,
  pgCheck,
  redisCheck,
} from '../src/index.js'

const run = () => {}

t.test('what can’t be used is thrown, with its code, its name and its value', async (t) => {
  const wrong: [options: unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [{ path: {} }, 'UNKNOWN_OPTION', 'path is no option; there are paths, port,'],
    [{ prefix: '/x' }, 'UNKNOWN_OPTION', 'prefix is no option'],
    [{ paths: { alive: '/x' } }, 'UNKNOWN_OPTION', 'paths.alive is no option; there are live, ready, startup, details'],
    [{ paths: { live: 'x' } }, 'OPTION', "paths.live must be a path that begins with / and has no parameters, not 'x'"],
    [
      { paths: { live: '/:x' } },
      'OPTION',
      "paths.live must be a path that begins with / and has no parameters, not '/:x'",
    ],
    [{ paths: { live: '/readyz' } }, 'OPTION', 'paths must be four different paths'],
    [{ paths: [] }, 'OPTION', 'paths must be an object, not []'],
    [{ port: 65_536 }, 'OPTION', 'port must be a port number from 0 to 65535, not 65536'],
    [{ port: '80' }, 'OPTION', "port must be a port number from 0 to 65535, not '80'"],
    [{ host: '::' }, 'OPTION', 'port must be set where host is'],
    [{ watchdog: true }, 'OPTION', 'watchdog must be an object, not true'],
    [{ watchdog: {} }, 'OPTION', 'watchdog.blockedMs must be a number of milliseconds, at least 20, not undefined'],
    [
      { watchdog: { blockedMs: 5 } },
      'OPTION',
      'watchdog.blockedMs must be a number of milliseconds, at least 20, not 5',
    ],
    [{ watchdog: { blockedMs: 50, x: 1 } }, 'UNKNOWN_OPTION', 'watchdog.x is no option'],
    [{ load: {} }, 'OPTION', 'load must be given a limit: maxEventLoopDelayMs, '],
    [{ load: { shed: true } }, 'OPTION', 'load must be given a limit'],
    [{ load: { maxEventLoopDelay: 1 } }, 'UNKNOWN_OPTION', 'load.maxEventLoopDelay is no option'],
    [{ load: { maxEventLoopUtilization: 98 } }, 'OPTION', 'load.maxEventLoopUtilization must be a share'],
    [{ load: { maxRssBytes: 0 } }, 'OPTION', 'load.maxRssBytes must be a number above 0, not 0'],
    [{ load: { maxRssBytes: 1, everyMs: 1 } }, 'OPTION', 'load.everyMs must be a number of milliseconds, at least 10'],
    [{ load: { maxRssBytes: 1, shed: { retryAfter: 1 } } }, 'UNKNOWN_OPTION', 'load.shed.retryAfter is no option'],
    [{ load: { maxRssBytes: 1, shed: { retryAfterMs: -1 } } }, 'OPTION', 'load.shed.retryAfterMs must be'],
    [{ load: { maxRssBytes: 1, shed: 'yes' } }, 'OPTION', "load.shed must be an object, not 'yes'"],
    [{ access: {} }, 'OPTION', 'access must be a function, { bearer } or { allow }, not {}'],
    [{ access: 'secret' }, 'OPTION', "access must be an object, not '…'"],
    [{ access: { token: 'x' } }, 'UNKNOWN_OPTION', 'access.token is no option'],
    [
      { access: { bearer: 'a b' } },
      'OPTION',
      "access.bearer must be a token of letters, digits and -._~+/, with = at its end only, not '…'",
    ],
    [{ access: { bearer: '' } }, 'OPTION', 'access.bearer must be'],
    [
      { access: { bearer: 'secret', allow: ['::1'] } },
      'OPTION',
      "access must be a function, { bearer } or { allow }, not { bearer: '…'",
    ],
    [{ access: { allow: [] } }, 'OPTION', 'access.allow must be a list of addresses and CIDR ranges'],
    [{ access: { allow: '10.0.0.0/8' } }, 'OPTION', 'access.allow must be a list of addresses and CIDR ranges'],
    [{ access: { allow: ['10.0.0.0/33'] } }, 'OPTION', 'access.allow must be a list of addresses and CIDR ranges'],
    [{ access: { allow: ['::1', 'localhost'] } }, 'OPTION', "not [ '::1', 'localhost' ]"],
    [{ cgroupRoot: '' }, 'OPTION', "cgroupRoot must be a text that is not empty, not ''"],
    [{ checks: [] }, 'OPTION', 'checks must be an object, not []'],
    [{ checks: { '': { run } } }, 'OPTION', 'the name of a check must be a text that is not empty'],
  ]
  for (const [options, code, message] of wrong) {
    const app = Fastify()
    await t.rejects(
      async () => app.register(health, options as HealthOptions),
      { code: `ERR_HEALTH_${code}`, message },
      message,
    )
    await app.close().catch(() => {})
  }
  const app = Fastify()
  await t.rejects(async () => app.register(health, { checks: { load: { run } }, load: { maxRssBytes: 1 } }), {
    code: 'ERR_HEALTH_DUPLICATE_CHECK',
    message: 'there is a check "load" already',
  })
  await app.close().catch(() => {})
})

t.test('checks are checked, in the options and when they are added', async (t) => {
  const wrong: [check: unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [undefined, 'OPTION', 'checks.db must be an object, not undefined'],
    [run, 'OPTION', 'checks.db must be an object, not [Function: run]'],
    [{}, 'OPTION', 'checks.db.run must be a function, not undefined'],
    [{ run: 'SELECT 1' }, 'OPTION', "checks.db.run must be a function, not 'SELECT 1'"],
    [{ run, timeout: 5 }, 'UNKNOWN_OPTION', 'checks.db.timeout is no option; there are run, close, kind,'],
    [{ run, kind: 'fatal' }, 'OPTION', "checks.db.kind must be 'critical' or 'degraded', not 'fatal'"],
    [{ run, in: ['live'] }, 'OPTION', "checks.db.in must be ['ready'], ['startup'] or both, not [ 'live' ]"],
    [{ run, in: [] }, 'OPTION', 'checks.db.in must be'],
    [{ run, in: 'ready' }, 'OPTION', 'checks.db.in must be'],
    [{ run, everyMs: -1 }, 'OPTION', 'checks.db.everyMs must be a number of milliseconds from 1 to 2147483647, not -1'],
    [{ run, everyMs: 2 ** 31 }, 'OPTION', 'not 2147483648'],
    [{ run, timeoutMs: 0 }, 'OPTION', 'checks.db.timeoutMs must be a number of milliseconds'],
    [{ run, timeoutMs: Number.NaN }, 'OPTION', 'checks.db.timeoutMs must be a number of milliseconds'],
    [
      { run, timeoutMs: '5s' },
      'OPTION',
      "checks.db.timeoutMs must be a number of milliseconds from 1 to 2147483647, not '5s'",
    ],
    [
      { run, everyMs: 500, maxStaleMs: 1_499 },
      'OPTION',
      'checks.db.maxStaleMs must be at least everyMs + timeoutMs, 1500, not 1499',
    ],
    [{ run, failAfter: 0 }, 'OPTION', 'checks.db.failAfter must be a whole number from 1, not 0'],
    [{ run, passAfter: 1.5 }, 'OPTION', 'checks.db.passAfter must be a whole number from 1, not 1.5'],
    [{ run, close: 1 }, 'OPTION', 'checks.db.close must be a function, not 1'],
  ]
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(health)
  for (const [check, code, message] of wrong) {
    const expected = { code: `ERR_HEALTH_${code}`, message }
    t.throws(() => app.health.add('db', check as HealthCheck), expected, message)
    const other = Fastify()
    await t.rejects(async () => other.register(health, { checks: { db: check as HealthCheck } }), expected)
    await other.close().catch(() => {})
  }
  app.health.add('db', { run })
  t.throws(() => app.health.add('db', { run }), {
    code: 'ERR_HEALTH_DUPLICATE_CHECK',
    message: 'there is a check "db" already',
  })
  t.throws(() => app.health.on('changed' as 'change', () => {}), { code: 'ERR_HEALTH_OPTION' })
  t.equal(app.health.add('__proto__', { run }), app.health)
  t.same(Object.keys(app.health.status().checks), ['db', '__proto__'], 'what was refused is not there')
  await t.rejects(async () => app.register(health), { code: 'FST_ERR_DEC_ALREADY_PRESENT' })
})

t.test('the checks that come with it check their options', async (t) => {
  const redis = { ping: async () => 'PONG' }
  const pg = { query: async () => {} }
  const wrong: [() => unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [() => pgCheck(undefined as never), 'OPTION', 'pgCheck(client) must be a client or pool of pg, not undefined'],
    [() => pgCheck(pg, { max: 1 } as object), 'UNKNOWN_OPTION', 'pgCheck.max is no option'],
    [() => pgCheck(pg, { timeoutMs: -1 }), 'OPTION', 'pgCheck.timeoutMs must be'],
    [() => redisCheck({} as never), 'OPTION', 'redisCheck(client) must be a client of Redis, not {}'],
    [() => redisCheck(redis, { timeout: 1 } as object), 'UNKNOWN_OPTION', 'redisCheck.timeout is no option'],
    [() => diskCheck({ path: '/' }), 'OPTION', 'diskCheck must be given minFreeBytes, minFreeInodes or both'],
    [() => diskCheck({ minFreeBytes: 1 } as never), 'OPTION', 'diskCheck.path must be'],
    [
      () => diskCheck({ path: '/', minFreeBytes: -1 }),
      'OPTION',
      'diskCheck.minFreeBytes must be a number above 0, not -1',
    ],
    [
      () => diskCheck({ path: '/', minFreeInodes: 0 }),
      'OPTION',
      'diskCheck.minFreeInodes must be a number above 0, not 0',
    ],
    [() => diskCheck({ path: '/', free: 1 } as never), 'UNKNOWN_OPTION', 'diskCheck.free is no option'],
    [
      () => memoryCheck({ maxUsage: 90 }),
      'OPTION',
      'memoryCheck.maxUsage must be a share, above 0 and at most 1, not 90',
    ],
    [() => memoryCheck({ max: 1 } as object), 'UNKNOWN_OPTION', 'memoryCheck.max is no option'],
    [() => cpuCheck({ maxUsage: 0 }), 'OPTION', 'cpuCheck.maxUsage must be a share'],
    [() => cpuCheck({ maxThrottled: 2 }), 'OPTION', 'cpuCheck.maxThrottled must be a share'],
    [() => cpuCheck({ max: 1 } as object), 'UNKNOWN_OPTION', 'cpuCheck.max is no option'],
    [() => eventLoopCheck({}), 'OPTION', 'eventLoopCheck must be given maxDelayMs, maxUtilization or both, not {}'],
    [() => eventLoopCheck({ maxDelayMs: -1 }), 'OPTION', 'eventLoopCheck.maxDelayMs must be'],
    [() => eventLoopCheck({ maxUtilization: 98 }), 'OPTION', 'eventLoopCheck.maxUtilization must be a share'],
    [() => eventLoopCheck({ max: 1 } as object), 'UNKNOWN_OPTION', 'eventLoopCheck.max is no option'],
  ]
  for (const [make, code, message] of wrong) t.throws(make, { code: `ERR_HEALTH_${code}`, message }, message)
})
