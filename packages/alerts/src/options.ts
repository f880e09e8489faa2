import { type Channel, type ResolvedChannel, resolveChannel } from './channels/channel.js'
import type { RedisLike } from './claim/redis.js'
import * as given from './given.js'
import { need, take, takeObject } from './given.js'
import { type Route, resolveRoutes } from './routes.js'
import { type ResolvedRule, resolveRules, type Threshold } from './rules/threshold.js'

export interface AlertsOptions {
  /** Which service it is; part of what tells problems apart. */
  service: string
  /** Which version of it runs. */
  release?: string
  /** Where alerts are told. */
  channels: Channel[]
  /** Who hears of what; the first that matches. Default all channels of everything. */
  routes?: Route[]
  /** What is watched. */
  rules?: Threshold[]
  /** A folder where alerts wait, so that they outlive the process. Default none: memory alone. */
  spool?: { dir: string; maxBytes?: number; maxAgeMs?: number }
  /** Several processes tell each thing once, through this client of Redis. Default `'local'`: each tells all. */
  claim?: { redis: RedisLike } | 'local'
  /** How many messages each channel gets in any minute. Default 30. */
  limit?: { perMinute: number }
  /** Is asked for (GET) as long as the process lives. */
  heartbeat?: { url: string; everyMs: number }
  /** For how long a message waits for other alerts that it can hold. Default 2000. */
  groupMs?: number
  /** For how long a problem must be over before that is told. Default 5000. */
  settleMs?: number
  /** How long the last deliveries may take when the app closes. Default 5000. */
  flushMs?: number
  /** How many incidents are kept; the least severe, then the oldest, make room. Default 10000. */
  maxIncidents?: number
}

export interface ResolvedAlertsOptions {
  service: string
  release: string | undefined
  channels: ResolvedChannel[]
  routes: Route[]
  rules: ResolvedRule[]
  spool: { dir: string; maxBytes: number; maxAgeMs: number } | undefined
  redis: RedisLike | undefined
  perMinute: number
  heartbeat: { url: string; everyMs: number } | undefined
  groupMs: number
  settleMs: number
  flushMs: number
  maxIncidents: number
  maxAgeMs: number
}

const keys = [
  'service',
  'release',
  'channels',
  'routes',
  'rules',
  'spool',
  'claim',
  'limit',
  'heartbeat',
  'groupMs',
  'settleMs',
  'flushMs',
  'maxIncidents',
]

const dayMs = 86_400_000

const serviceRule: given.Rule = {
  must: 'a text of 1 to 100 characters',
  test: (value) => given.text.test(value) && (value as string).length <= 100,
}

const channelsRule: given.Rule = {
  must: 'a list of channels, with one at least',
  test: (value) => Array.isArray(value) && value.length > 0,
}

const spoolSize: given.Rule = {
  must: 'a whole number of bytes, at least 65536',
  test: (value) => Number.isSafeInteger(value) && (value as number) >= 65_536,
}

/**
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function resolveOptions(options: AlertsOptions): ResolvedAlertsOptions {
  takeObject('the options', options, keys, '')
  const service = need('service', options.service, serviceRule)
  const channels = resolveChannels(options.channels)
  const spool = options.spool === undefined ? undefined : resolveSpool(options.spool)
  return {
    service,
    release: take('release', options.release, given.text),
    channels,
    routes: resolveRoutes(
      options.routes,
      channels.map(({ name }) => name),
    ),
    rules: resolveRules(options.rules),
    spool,
    redis: resolveClaim(options.claim ?? 'local'),
    perMinute: resolveLimit(options.limit),
    heartbeat: resolveHeartbeat(options.heartbeat),
    groupMs: take('groupMs', options.groupMs, given.wait, 2_000),
    settleMs: take('settleMs', options.settleMs, given.wait, 5_000),
    flushMs: take('flushMs', options.flushMs, given.duration, 5_000),
    maxIncidents: take('maxIncidents', options.maxIncidents, given.count, 10_000),
    maxAgeMs: spool?.maxAgeMs ?? dayMs,
  }
}

function resolveChannels(channels: Channel[]): ResolvedChannel[] {
  if (!channelsRule.test(channels)) given.fail('channels', channelsRule.must, channels === undefined ? undefined : '…')
  const resolved = channels.map((channel, index) => resolveChannel(`channels[${index}]`, channel))
  const names = resolved.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) given.fail('the name of a channel', 'used once: two channels of a kind need names', twice)
  return resolved
}

function resolveSpool(spool: { dir: string; maxBytes?: number; maxAgeMs?: number }) {
  takeObject('spool', spool, ['dir', 'maxBytes', 'maxAgeMs'])
  return {
    dir: need('spool.dir', spool.dir, given.text),
    maxBytes: take('spool.maxBytes', spool.maxBytes, spoolSize, 16_777_216),
    maxAgeMs: take('spool.maxAgeMs', spool.maxAgeMs, given.duration, dayMs),
  }
}

function resolveClaim(claim: { redis: RedisLike } | 'local'): RedisLike | undefined {
  if (claim === 'local') return undefined
  if (!given.object.test(claim)) given.fail('claim', "'local' or { redis }", claim)
  takeObject('claim', claim, ['redis'])
  if (typeof claim.redis?.eval === 'function') return claim.redis
  return given.fail('claim.redis', 'a client of ioredis', typeof claim.redis)
}

function resolveLimit(limit: { perMinute: number } | undefined): number {
  if (limit === undefined) return 30
  takeObject('limit', limit, ['perMinute'])
  return need('limit.perMinute', limit.perMinute, given.count)
}

function resolveHeartbeat(heartbeat: { url: string; everyMs: number } | undefined) {
  if (heartbeat === undefined) return undefined
  takeObject('heartbeat', heartbeat, ['url', 'everyMs'])
  return {
    url: given.takeSecret('heartbeat.url', heartbeat.url, given.webAddress),
    everyMs: need('heartbeat.everyMs', heartbeat.everyMs, given.duration),
  }
}
