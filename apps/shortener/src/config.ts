import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import Type from 'typebox'
import Value from 'typebox/value'
import type { Kept } from './clicks/partitions.js'
import { EnvironmentError } from './errors.js'
import { isPrivateHost } from './links/private-host.js'
import type { Limits } from './operations/limits.js'
import {
  addressList,
  databaseUrl,
  httpOrigin,
  integer,
  oneOf,
  originList,
  redisUrl,
  secret,
  text,
  urlOf,
  variable,
} from './variables.js'

const databaseVariables = {
  /** `postgres://…`, or `pglite://<folder>` for the embedded database. */
  DATABASE_URL: variable(databaseUrl),
  /** How long to wait at start for a database that does not answer. */
  DATABASE_START_DEADLINE_MS: variable(integer(1, 600_000), { default: '30000' }),
  LOG_LEVEL: variable(oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'), { default: 'info' }),
  /** The log goes there as well. */
  LOG_FILE: Type.Optional(variable(text)),
}

const operations = {
  /** Opens /metrics and the details of /health. */
  OPERATIONS_TOKEN: Type.Optional(variable(secret(20))),
  /** Gives metrics a port of their own, open to whoever reaches it. */
  METRICS_PORT: Type.Optional(variable(integer(0, 65_535))),
  /** Where alerts wait that are not told yet, so that they outlive the process. */
  ALERTS_DIR: Type.Optional(variable(text)),
  PAGERDUTY_ROUTING_KEY: Type.Optional(variable(secret(1))),
  PAGERDUTY_URL: Type.Optional(variable(urlOf('http:', 'https:'))),
  SLACK_WEBHOOK_URL: Type.Optional(variable(urlOf('http:', 'https:'))),
  /** Whether alerts may go to addresses that are not public. */
  ALERT_TARGETS: variable(oneOf('public', 'any'), { default: 'public' }),
  /** Read by @steadfast/shutdown. */
  TERMINATION_GRACE_MS: Type.Optional(variable(integer(0, 86_400_000))),
}

const perMinute = (standIn: number) => variable(integer(1, 1_000_000_000), { default: `${standIn}` })

/** Each in a minute. */
const limits = {
  LIMIT_ADDRESS: perMinute(600),
  LIMIT_NOT_FOUND: perMinute(60),
  LIMIT_FAILED_KEYS: perMinute(5),
  LIMIT_KEY: perMinute(600),
  LIMIT_CREATES: perMinute(600),
  /** How many servers there are: what each admits of a limit by itself, while Redis is away. */
  INSTANCES: variable(integer(1, 1_000), { default: '1' }),
}

const DatabaseEnvironment = Type.Object(databaseVariables)

const Environment = Type.Object({
  PORT: variable(integer(0, 65_535), { default: '3000' }),
  HOST: variable(text, { default: '127.0.0.1' }),
  /** Where people reach the short links, without a slash at the end. */
  BASE_URL: variable(httpOrigin),
  ...databaseVariables,
  /** What processes share: limits, cache, clicks. Without it there is one process, and its memory. */
  REDIS_URL: Type.Optional(variable(redisUrl)),
  /** What names of keys in Redis begin with. */
  REDIS_PREFIX: variable(text, { default: 'shortener:' }),
  /** The proxies whose X-Forwarded-* headers are believed. */
  TRUST_PROXY: Type.Optional(variable(addressList)),
  /** Whether links may lead to addresses that are not public: of this host, of private networks, of cloud metadata. */
  PRIVATE_TARGETS: variable(oneOf('refuse', 'allow'), { default: 'refuse' }),
  /** The web pages that may use the API from a browser. */
  CORS_ORIGINS: Type.Optional(variable(originList)),
  /** Who takes clicks out of the stream: each server, or workers alone. */
  CLICK_WORKER: variable(oneOf('inside', 'apart'), { default: 'inside' }),
  /** Where a worker has its probes and metrics. */
  WORKER_PORT: variable(integer(0, 65_535), { default: '3001' }),
  /** For how many days each click is kept by itself, so that one delivered again is known; the sums stay. */
  CLICK_EVENT_DAYS: variable(integer(1, 3_650), { default: '90' }),
  /** For how many days clicks are kept by referrer and browser. */
  CLICK_DETAIL_DAYS: variable(integer(31, 36_500), { default: '400' }),
  ...operations,
  ...limits,
  /** Made known to the database at every start, so that there is a first key to make links with. */
  BOOTSTRAP_API_KEY: Type.Optional(variable(secret(20))),
})

/** What it takes to open the database. */
export type DatabaseConfig = Type.StaticDecode<typeof DatabaseEnvironment>

export type Config = Type.StaticDecode<typeof Environment>

export function limitsOf(config: Config): Limits {
  const { LIMIT_ADDRESS, LIMIT_NOT_FOUND, LIMIT_FAILED_KEYS, LIMIT_KEY, LIMIT_CREATES } = config
  return {
    address: LIMIT_ADDRESS,
    notFound: LIMIT_NOT_FOUND,
    failedKeys: LIMIT_FAILED_KEYS,
    key: LIMIT_KEY,
    creates: LIMIT_CREATES,
  }
}

export function keptOf({ CLICK_EVENT_DAYS, CLICK_DETAIL_DAYS }: Config): Kept {
  return { events: CLICK_EVENT_DAYS, details: CLICK_DETAIL_DAYS }
}

/** May hold a password: taken from a file as well (`<NAME>_FILE`), and never printed. */
const secrets = [
  'DATABASE_URL',
  'REDIS_URL',
  'BOOTSTRAP_API_KEY',
  'OPERATIONS_TOKEN',
  'PAGERDUTY_ROUTING_KEY',
  'SLACK_WEBHOOK_URL',
]

/**
 * Reads the environment once. A variable that is set to nothing counts as not set.
 * @throws ERR_SHORTENER_ENVIRONMENT that lists every fault of every variable
 */
export function parseConfig(env: NodeJS.ProcessEnv, role: 'server' | 'worker' = 'server'): Config {
  return parse(Environment, env, (given) => conflictsOf(given, role))
}

/** What is wrong with variables beside others. */
function conflictsOf(given: Record<string, string>, role: 'server' | 'worker'): [name: string, fault: string][] {
  const conflicts: [string, string][] = []
  const port = role === 'server' ? 'PORT' : 'WORKER_PORT'
  const { METRICS_PORT, ALERT_TARGETS, REDIS_URL } = given
  if (METRICS_PORT !== undefined && METRICS_PORT !== '0' && METRICS_PORT === given[port]) {
    conflicts.push(['METRICS_PORT', `must not be that of ${port}, ${METRICS_PORT}`])
  }
  for (const name of ['PAGERDUTY_URL', 'SLACK_WEBHOOK_URL']) {
    const url = given[name]
    if (ALERT_TARGETS === 'any' || url === undefined || !URL.canParse(url)) continue
    const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
    // What a name stands for is found out when an alert is told.
    if (isIP(host) !== 0 && isPrivateHost(host)) {
      conflicts.push([name, 'must lead to a public host; ALERT_TARGETS=any takes others'])
    }
  }
  if (role === 'worker' && REDIS_URL === undefined) {
    conflicts.push(['REDIS_URL', 'is missing; a worker takes clicks from there'])
  }
  return conflicts
}

/** The same, of the variables that the database needs. */
export function parseDatabaseConfig(env: NodeJS.ProcessEnv): DatabaseConfig {
  return parse(DatabaseEnvironment, env)
}

function parse<Schema extends Type.TObject>(
  schema: Schema,
  env: NodeJS.ProcessEnv,
  conflictsOf: (given: Record<string, string>) => [name: string, fault: string][] = () => [],
): Type.StaticDecode<Schema> {
  const faults = new Map<string, string>()
  const given: Record<string, string> = {}
  for (const name of Object.keys(schema.properties)) {
    if (env[name]) given[name] = env[name]
  }
  for (const name of secrets) {
    const file = env[`${name}_FILE`]
    if (!file || !(name in schema.properties)) continue
    if (given[name]) faults.set(`${name}_FILE`, `is set, and ${name} too: choose one`)
    try {
      given[name] = readFileSync(file, 'utf8').trimEnd()
      if (!given[name]) faults.set(`${name}_FILE`, `is empty: ${file}`)
    } catch (error) {
      faults.set(`${name}_FILE`, `can’t be read: ${(error as Error).message}`)
    }
  }
  const values = Value.Default(schema, given)
  for (const { keyword, instancePath, params, message } of Value.Errors(schema, values)) {
    const names = keyword === 'required' ? params.requiredProperties : [instancePath.slice(1)]
    for (const name of names) {
      const shown = given[name] === undefined ? '' : `, not "${secrets.includes(name) ? '…' : given[name]}"`
      if (faults.has(`${name}_FILE`)) continue
      faults.set(name, keyword === 'required' ? 'is missing' : `${message}${shown}`)
    }
  }
  for (const [name, fault] of conflictsOf(values as Record<string, string>)) {
    if (!faults.has(name) && !faults.has(`${name}_FILE`)) faults.set(name, fault)
  }
  if (faults.size > 0) throw new EnvironmentError([...faults].map(([name, fault]) => `  ${name} ${fault}`).join('\n'))
  return Value.Decode(schema, values)
}
