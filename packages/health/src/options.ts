import { type Access, type Gate, resolveAccess } from './access.js'
import type { Probe } from './answer.js'
import type { HealthCheck } from './check.js'
import type { Log } from './log.js'
import * as rules from './rules.js'
import { take, takeObject } from './rules.js'

/** Limits of the load. At least one must be set. */
export interface LoadOptions {
  /** Mean delay of the event loop between two looks. */
  maxEventLoopDelayMs?: number
  /** Share of the time between two looks that the event loop was busy, from above 0 to 1. */
  maxEventLoopUtilization?: number
  maxHeapUsedBytes?: number
  maxRssBytes?: number
  /** From one look to the next, at least 10. Default 1000. */
  everyMs?: number
  /**
   * Whether requests are turned away with 503 while a limit is passed, and when they may come again: Retry-After is
   * `retryAfterMs` (default 10000) in whole seconds. Default false: a check `load` warns, no more.
   */
  shed?: boolean | { retryAfterMs: number }
}

export interface HealthOptions {
  /** Where each probe is answered. Default `/livez`, `/readyz`, `/startupz` and `/health`. */
  paths?: Partial<Record<Probe, string>>
  /** Gives the probes a server of their own, which answers before the app is ready; the app then has no routes for them. */
  port?: number
  /** Where that server listens. Default all addresses, for kubelet asks from outside of the pod. */
  host?: string
  checks?: Record<string, HealthCheck>
  load?: LoadOptions
  /** Reports an event loop that is blocked for longer, to standard error and in a metric. Default false. */
  watchdog?: { blockedMs: number } | false
  /** Who sees the details. Default nobody. */
  access?: Access
  /** Where /proc and /sys are, to read the cgroup. Default `/`. */
  cgroupRoot?: string
}

export interface ResolvedLoad extends Omit<LoadOptions, 'shed'> {
  everyMs: number
  shed: { retryAfterMs: number } | undefined
}

export interface ResolvedHealthOptions {
  paths: Record<Probe, string>
  listen: { port: number; host: string | undefined } | undefined
  checks: [name: string, check: HealthCheck][]
  load: ResolvedLoad | undefined
  blockedMs: number | undefined
  gate: Gate
  cgroupRoot: string
}

const limits = ['maxEventLoopDelayMs', 'maxEventLoopUtilization', 'maxHeapUsedBytes', 'maxRssBytes'] as const

const path: rules.Rule = {
  must: 'a path that begins with / and has no parameters',
  test: (value) => typeof value === 'string' && /^\/[^\s:*?#]*$/.test(value),
}

const sampling: rules.Rule = {
  must: 'a number of milliseconds, at least 10',
  test: (value) => rules.duration.test(value) && (value as number) >= 10,
}

/**
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function resolveOptions(options: HealthOptions, log: Log): ResolvedHealthOptions {
  const keys = ['paths', 'port', 'host', 'checks', 'load', 'watchdog', 'access', 'cgroupRoot']
  takeObject('the options', options, keys, '')
  const port = take('port', options.port, rules.port)
  const host = take('host', options.host, rules.text)
  if (host !== undefined && port === undefined) rules.refuse('port', 'set where host is', port)
  const { watchdog = false, checks = {} } = options
  if (watchdog !== false) takeObject('watchdog', watchdog, ['blockedMs'])
  take('checks', checks, rules.object)
  return {
    paths: resolvePaths(options.paths ?? {}),
    listen: port === undefined ? undefined : { port, host },
    checks: Object.entries(checks),
    load: options.load === undefined ? undefined : resolveLoad(options.load),
    blockedMs: watchdog ? resolveBlocked(watchdog.blockedMs) : undefined,
    gate: resolveAccess(options.access, log),
    cgroupRoot: take('cgroupRoot', options.cgroupRoot, rules.text, '/'),
  }
}

function resolvePaths(given: Partial<Record<Probe, string>>): Record<Probe, string> {
  const standIns: Record<Probe, string> = { live: '/livez', ready: '/readyz', startup: '/startupz', details: '/health' }
  const probes = Object.keys(standIns) as Probe[]
  takeObject('paths', given, probes)
  const paths = { ...standIns }
  for (const probe of probes) paths[probe] = take(`paths.${probe}`, given[probe], path, standIns[probe])
  if (new Set(Object.values(paths)).size < probes.length) rules.refuse('paths', 'four different paths', paths)
  return paths
}

function resolveLoad(load: LoadOptions): ResolvedLoad {
  takeObject('load', load, [...limits, 'everyMs', 'shed'])
  for (const limit of limits) {
    take(`load.${limit}`, load[limit], limit === 'maxEventLoopUtilization' ? rules.share : rules.size)
  }
  if (limits.every((limit) => load[limit] === undefined))
    rules.refuse('load', `given a limit: ${limits.join(', ')}`, load)
  const { shed = false, ...rest } = load
  return { ...rest, everyMs: take('load.everyMs', load.everyMs, sampling, 1_000), shed: resolveShed(shed) }
}

function resolveShed(shed: boolean | { retryAfterMs: number }): { retryAfterMs: number } | undefined {
  if (typeof shed === 'boolean') return shed ? { retryAfterMs: 10_000 } : undefined
  takeObject('load.shed', shed, ['retryAfterMs'])
  return { retryAfterMs: take('load.shed.retryAfterMs', shed.retryAfterMs, rules.duration, 10_000) }
}

function resolveBlocked(blockedMs: number): number {
  const rule: rules.Rule = {
    must: 'a number of milliseconds, at least 20',
    test: (value) => rules.duration.test(value) && (value as number) >= 20,
  }
  if (blockedMs === undefined) rules.refuse('watchdog.blockedMs', rule.must, blockedMs)
  return take('watchdog.blockedMs', blockedMs, rule)
}
