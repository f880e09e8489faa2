import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig, parseDatabaseConfig } from '../src/config.js'

/** What is not set. */
const defaults = {
  PORT: 3000,
  HOST: '127.0.0.1',
  DATABASE_START_DEADLINE_MS: 30_000,
  LOG_LEVEL: 'info',
  REDIS_PREFIX: 'shortener:',
  PRIVATE_TARGETS: 'refuse',
  CLICK_WORKER: 'inside',
  WORKER_PORT: 3001,
  CLICK_EVENT_DAYS: 90,
  CLICK_DETAIL_DAYS: 400,
  ALERT_TARGETS: 'public',
  LIMIT_ADDRESS: 600,
  LIMIT_NOT_FOUND: 60,
  LIMIT_FAILED_KEYS: 5,
  LIMIT_KEY: 600,
  LIMIT_CREATES: 600,
  INSTANCES: 1,
}

const least = { BASE_URL: 'https://sho.rt', DATABASE_URL: 'postgres://user:pass@db/links' }

function faultsOf(env: Record<string, string>, role?: 'worker'): string {
  try {
    parseConfig(env, role)
    return ''
  } catch (error) {
    t.equal((error as { code?: string }).code, 'ERR_SHORTENER_ENVIRONMENT')
    return (error as Error).message
  }
}

t.test('the least there must be, and the defaults of the rest', async (t) => {
  t.same(parseConfig({ ...least, REDIS_URL: '', HOME: '/somewhere' }), { ...least, ...defaults })
})

t.test('every variable in its right form', async (t) => {
  const config = parseConfig({
    BASE_URL: 'http://localhost:8080/',
    DATABASE_URL: 'pglite://./data',
    DATABASE_START_DEADLINE_MS: '500',
    PORT: '0',
    HOST: '::1',
    REDIS_URL: 'rediss://cache:6380/1',
    LOG_LEVEL: 'silent',
    TRUST_PROXY: '10.0.0.0/8, ::1,192.168.1.7,fd00::/8',
    BOOTSTRAP_API_KEY: 'k'.repeat(20),
    PRIVATE_TARGETS: 'allow',
    CLICK_EVENT_DAYS: '7',
    CORS_ORIGINS: 'https://app.sho.rt, http://localhost:5173/',
    REDIS_PREFIX: 'a:',
    LOG_FILE: '/var/log/app.log',
    OPERATIONS_TOKEN: 't'.repeat(20),
    METRICS_PORT: '9100',
    ALERTS_DIR: '/var/lib/alerts',
    PAGERDUTY_ROUTING_KEY: 'a-key',
    PAGERDUTY_URL: 'https://events.eu.pagerduty.com/v2/enqueue',
    SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/a/b/c',
    ALERT_TARGETS: 'any',
    TERMINATION_GRACE_MS: '35000',
    CLICK_WORKER: 'apart',
    LIMIT_ADDRESS: '10',
  })
  t.same(config, {
    ...defaults,
    BASE_URL: 'http://localhost:8080',
    DATABASE_URL: 'pglite://./data',
    DATABASE_START_DEADLINE_MS: 500,
    PORT: 0,
    HOST: '::1',
    REDIS_URL: 'rediss://cache:6380/1',
    LOG_LEVEL: 'silent',
    TRUST_PROXY: ['10.0.0.0/8', '::1', '192.168.1.7', 'fd00::/8'],
    BOOTSTRAP_API_KEY: 'k'.repeat(20),
    PRIVATE_TARGETS: 'allow',
    CLICK_EVENT_DAYS: 7,
    CORS_ORIGINS: ['https://app.sho.rt', 'http://localhost:5173'],
    REDIS_PREFIX: 'a:',
    LOG_FILE: '/var/log/app.log',
    OPERATIONS_TOKEN: 't'.repeat(20),
    METRICS_PORT: 9100,
    ALERTS_DIR: '/var/lib/alerts',
    PAGERDUTY_ROUTING_KEY: 'a-key',
    PAGERDUTY_URL: 'https://events.eu.pagerduty.com/v2/enqueue',
    SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/a/b/c',
    ALERT_TARGETS: 'any',
    TERMINATION_GRACE_MS: 35_000,
    CLICK_WORKER: 'apart',
    LIMIT_ADDRESS: 10,
  })
  t.same(parseConfig({ ...least, CORS_ORIGINS: '*' }).CORS_ORIGINS, ['*'])
})

t.test('the migrate command needs no more than the database', async (t) => {
  t.same(parseDatabaseConfig({ DATABASE_URL: least.DATABASE_URL, PORT: 'x' }), {
    DATABASE_URL: least.DATABASE_URL,
    DATABASE_START_DEADLINE_MS: 30_000,
    LOG_LEVEL: 'info',
  })
})

t.test('all faults come in one error, each with its variable and value', async (t) => {
  const message = faultsOf({
    PORT: '80.5',
    HOST: '',
    BASE_URL: 'sho.rt',
    DATABASE_START_DEADLINE_MS: '-1',
    REDIS_URL: 'http://cache',
    LOG_LEVEL: 'verbose',
    TRUST_PROXY: 'true',
    BOOTSTRAP_API_KEY: 'short',
  })
  t.equal(
    message,
    `the environment has faults:
  DATABASE_URL is missing
  PORT must be a whole number from 0 to 65535, not "80.5"
  BASE_URL must be a URL that starts with http:// or https://, not "sho.rt"
  DATABASE_START_DEADLINE_MS must be a whole number from 1 to 600000, not "-1"
  LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, not "verbose"
  REDIS_URL must be a URL that starts with redis:// or rediss://, not "…"
  TRUST_PROXY must be IP addresses or CIDR ranges, as 10.0.0.0/8,::1, not "true"
  BOOTSTRAP_API_KEY must be at least 20 visible ASCII characters, without spaces, not "…"`,
  )
})

t.test('values that are nearly right', async (t) => {
  const wrong: Record<string, string[]> = {
    PORT: ['65536', '-1', '1e3', '0x50', ' 80', '80x'],
    BASE_URL: ['ftp://sho.rt', 'https://sho.rt/path', 'https://sho.rt/?a', 'https://user@sho.rt', 'https://'],
    DATABASE_URL: ['pglite://', 'mysql://db/links', 'db/links', 'postgres'],
    REDIS_URL: [
      'redis:',
      'redis://',
      'localhost:6379',
      'redis://a/b',
      'redis://a/1/2',
      'redis://a/-1',
      'redis://a?db=b',
    ],
    LOG_LEVEL: ['INFO', 'trace '],
    TRUST_PROXY: [
      '10.0.0.0/33',
      '::1/129',
      '10.0.0',
      '10.0.0.0/8/8',
      '10.0.0.0/',
      '1.2.3.4,',
      'loopback',
      '1',
      '0.0.0.0/0',
      '::/00',
    ],
    PRIVATE_TARGETS: ['yes', 'Allow'],
    CLICK_EVENT_DAYS: ['0', '3651', '1.5'],
    CORS_ORIGINS: ['*,https://a.b', 'app.sho.rt', 'https://a.b/path', 'https://a.b,', 'null'],
    CLICK_WORKER: ['yes', 'Inside'],
    LIMIT_ADDRESS: ['0', '-1', 'none'],
    OPERATIONS_TOKEN: ['short'],
    SLACK_WEBHOOK_URL: ['hooks.slack.com/services'],
    ALERT_TARGETS: ['all'],
    TERMINATION_GRACE_MS: ['35s', '-1'],
    BOOTSTRAP_API_KEY: ['with space in the middle', 'é'.repeat(20)],
  }
  // What is left of a password with these in it must not be taken for a host or a database.
  for (const password of ['p@ss/w:rd', 'pass#word', 'pa/ss@word']) {
    const message = faultsOf({ ...least, DATABASE_URL: `postgres://app:${password}@db/links` })
    t.match(message, /^ {2}DATABASE_URL must .*/m, password)
    t.notMatch(message, password)
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) t.match(faultsOf({ ...least, [name]: value }), `  ${name} must `, `${name}="${value}"`)
  }
})

t.test('variables that are wrong beside others', async (t) => {
  t.match(faultsOf({ ...least, METRICS_PORT: '3000' }), /^ {2}METRICS_PORT must not be that of PORT, 3000$/m)
  t.match(faultsOf({ ...least, METRICS_PORT: '9100', PORT: '9100' }), '  METRICS_PORT must not')
  t.ok(parseConfig({ ...least, METRICS_PORT: '0', PORT: '0' }))

  const worker = { ...least, REDIS_URL: 'redis://cache' }
  t.ok(parseConfig({ ...worker, METRICS_PORT: '3000' }, 'worker'), 'which has no PORT')
  t.match(faultsOf({ ...worker, METRICS_PORT: '3001' }, 'worker'), '  METRICS_PORT must not be that of WORKER_PORT')
  const both = faultsOf({ ...least, LOG_LEVEL: 'loud' }, 'worker')
  t.match(both, '  REDIS_URL is missing; a worker takes clicks from there')
  t.match(both, '  LOG_LEVEL must')

  t.ok(parseConfig({ ...least, PAGERDUTY_URL: 'http://alerts.corp/' }), 'of a name it is told when it is looked up')
  for (const url of ['http://127.0.0.1/token-1', 'http://[fd00::1]/token-1', 'http://0x7f.1/token-1']) {
    for (const name of ['SLACK_WEBHOOK_URL', 'PAGERDUTY_URL']) {
      const message = faultsOf({ ...least, [name]: url })
      t.match(message, `  ${name} must lead to a public host; ALERT_TARGETS=any takes others`)
      t.notMatch(message, 'token-1')
      t.ok(parseConfig({ ...least, [name]: url, ALERT_TARGETS: 'any' }))
    }
  }
})

t.test('secrets come from files as well, and never show', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const { BASE_URL, DATABASE_URL } = least
  const DATABASE_URL_FILE = file('url', `${DATABASE_URL}\n`)
  const BOOTSTRAP_API_KEY_FILE = file('key', `${'k'.repeat(20)}\r\n`)
  const config = parseConfig({ BASE_URL, DATABASE_URL_FILE, BOOTSTRAP_API_KEY_FILE })
  t.match(config, { DATABASE_URL, BOOTSTRAP_API_KEY: 'k'.repeat(20) })

  const both = faultsOf({ ...least, DATABASE_URL_FILE, BOOTSTRAP_API_KEY_FILE: join(folder, 'none') })
  t.match(both, '  DATABASE_URL_FILE is set, and DATABASE_URL too: choose one')
  t.match(both, /BOOTSTRAP_API_KEY_FILE can’t be read: ENOENT.*none/)
  const missing = faultsOf({ BASE_URL, DATABASE_URL_FILE: join(folder, 'none') })
  t.match(missing, 'DATABASE_URL_FILE can’t be read')
  t.notMatch(missing, 'DATABASE_URL is missing', 'one fault is told once')

  t.match(faultsOf({ BASE_URL, DATABASE_URL_FILE: file('empty', '\n') }), '  DATABASE_URL_FILE is empty: ')

  const wrong = faultsOf({ BASE_URL, DATABASE_URL_FILE: file('wrong', 'mysql://user:pass-word@db') })
  t.match(wrong, 'DATABASE_URL must be')
  t.notMatch(wrong, 'pass-word')
})
