import { checkId, type Severity, severities } from '../alert.js'
import * as given from '../given.js'
import type { WindowWish } from './traffic.js'

export const trafficSignals = ['errorRate', 'p95Ms', 'p99Ms'] as const
const processSignals = ['eventLoopDelayMs', 'heapUsedBytes'] as const

/**
 * What is watched. Of requests: errorRate (answered by 5xx, as a share of all), p95Ms and p99Ms (of their durations). Of the process:
 * eventLoopDelayMs (p99), heapUsedBytes. Or any function.
 */
export type Signal =
  | (typeof trafficSignals)[number]
  | (typeof processSignals)[number]
  | (() => number | undefined | Promise<number | undefined>)

/** A limit that something must not pass. */
export interface Threshold {
  /** Name of its alerts. */
  name: string
  severity: Severity
  on: Signal
  /** One of the two: what it must not be above, or below. In the unit of what is watched. */
  above?: number
  below?: number
  /** Of requests: over how long they are looked at, in 12 steps. Default 60000. */
  windowMs?: number
  /** Of requests: fewer of them in the window are no reason. Default 20. */
  minCount?: number
  /** Of requests: those of this route alone, by its template as `/users/:id`; or of each route by itself. Default all. */
  route?: string
  perRoute?: boolean
  /** Of values: how often it is looked at. Default 5000. */
  everyMs?: number
  /** For how long it must have passed the limit before it fires. Default 0. */
  forMs?: number
  /** For how long it must be back before it is over. Default 0. */
  keepFiringMs?: number
  /** How often it is told again while it lasts. Default as the route of the alert says. */
  repeatMs?: number
  /** Default says what was measured. */
  summary?: string
  labels?: Record<string, string>
  runbookUrl?: string
  dashboardUrl?: string
}

export interface ResolvedRule extends Threshold {
  wish: WindowWish | undefined
  minCount: number
  tickMs: number
  forMs: number
  keepFiringMs: number
}

const keys = [
  ...['name', 'severity', 'on', 'above', 'below', 'windowMs', 'minCount', 'route', 'perRoute', 'everyMs', 'forMs'],
  ...['keepFiringMs', 'repeatMs', 'summary', 'labels', 'runbookUrl', 'dashboardUrl'],
]

const signalNames: readonly string[] = [...trafficSignals, ...processSignals]

const signalRule: given.Rule = {
  must: `one of ${signalNames.join(', ')}, or a function`,
  test: (value) => typeof value === 'function' || signalNames.includes(value as string),
}

const windowRule: given.Rule = {
  must: 'a number of milliseconds from 1000 to 86400000',
  test: (value) => given.duration.test(value) && (value as number) >= 1_000 && (value as number) <= 86_400_000,
}

const shareAbove: given.Rule = {
  must: 'a share, from 0 to less than 1',
  test: (value) => (value as number) >= 0 && (value as number) < 1,
}

const shareBelow: given.Rule = {
  must: 'a share, more than 0 and at most 1',
  test: (value) => (value as number) > 0 && (value as number) <= 1,
}

/**
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function resolveRules(rules: Threshold[] | undefined): ResolvedRule[] {
  const resolved = given.take('rules', rules, given.list, []).map((rule, index) => resolveRule(`rules[${index}]`, rule))
  const names = resolved.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) given.fail('the name of a rule', 'used once', twice)
  return resolved
}

function resolveRule(of: string, rule: Threshold): ResolvedRule {
  given.takeObject(of, rule, keys)
  given.need(`${of}.severity`, rule.severity, given.oneOf(severities))
  given.need(`${of}.on`, rule.on, signalRule)
  given.take(`${of}.above`, rule.above, given.number)
  given.take(`${of}.below`, rule.below, given.number)
  if ((rule.above === undefined) === (rule.below === undefined)) given.fail(of, 'given one of above and below', rule)
  if (rule.on === 'errorRate') {
    // Who thinks in percent would get a rule that never fires.
    given.take(`${of}.above`, rule.above, shareAbove)
    given.take(`${of}.below`, rule.below, shareBelow)
  }
  given.take(`${of}.repeatMs`, rule.repeatMs, given.duration)
  given.take(`${of}.summary`, rule.summary, given.text)
  checkId(rule, `${of}.`)
  given.take(`${of}.runbookUrl`, rule.runbookUrl, given.webAddress)
  given.take(`${of}.dashboardUrl`, rule.dashboardUrl, given.webAddress)
  const wish = resolveWish(of, rule)
  return {
    ...rule,
    wish,
    minCount: given.take(`${of}.minCount`, rule.minCount, given.count, 20),
    tickMs: wish ? wish.windowMs / 12 : given.take(`${of}.everyMs`, rule.everyMs, given.duration, 5_000),
    forMs: given.take(`${of}.forMs`, rule.forMs, given.wait, 0),
    keepFiringMs: given.take(`${of}.keepFiringMs`, rule.keepFiringMs, given.wait, 0),
  }
}

function resolveWish(
  of: string,
  { on, windowMs, minCount, route, perRoute, everyMs }: Threshold,
): WindowWish | undefined {
  if (!trafficSignals.includes(on as 'p95Ms')) {
    const odd = Object.entries({ windowMs, minCount, route, perRoute }).find(([, value]) => value !== undefined)
    if (odd) given.fail(`${of}.${odd[0]}`, 'left out where no requests are watched', odd[1])
    return undefined
  }
  if (everyMs !== undefined) given.fail(`${of}.everyMs`, 'left out where requests are watched', everyMs)
  given.take(`${of}.perRoute`, perRoute, given.flag)
  given.take(`${of}.route`, route, given.text)
  if (perRoute && route !== undefined) given.fail(`${of}.route`, 'left out where perRoute is set', route)
  return {
    windowMs: given.take(`${of}.windowMs`, windowMs, windowRule, 60_000),
    hasDurations: on !== 'errorRate',
    scope: route !== undefined ? { route } : perRoute ? 'routes' : 'app',
  }
}
