import * as rules from './rules.js'
import { take, takeObject } from './rules.js'
import type { Status } from './verdict.js'

/** What a check can return to say more than "it passed". */
export interface CheckResult {
  status: Status
  /** Why, for people; shown in the details while the check does not pass. */
  output?: string
  /** What was measured, and its unit; shown in the details. */
  observedValue?: number
  observedUnit?: string
}

/** When a check runs, and what its result means. */
export interface CheckOptions {
  /** critical: while it fails, the app is not ready. degraded: the app stays ready, with status `warn`. Default critical. */
  kind?: 'critical' | 'degraded'
  /**
   * ready: it counts for readiness. startup: it must have passed once before the app counts as started; if that is all,
   * it rests from then on. Default `['ready']`.
   */
  in?: ('ready' | 'startup')[]
  /** How long a run may take; then its signal fires and it has failed with "timeout". Default 1000. */
  timeoutMs?: number
  /** From the start of a run to the start of the next. Default 2000. */
  everyMs?: number
  /** How old the last result may get before it counts as a failure. Default 3 × (everyMs + timeoutMs). */
  maxStaleMs?: number
  /** How many failures in a row make it fail. Before the first pass it counts as failing anyway. Default 2. */
  failAfter?: number
  /** How many passes in a row make it pass again; the very first counts at once. Default 1. */
  passAfter?: number
}

export interface HealthCheck extends CheckOptions {
  /**
   * Fails when it throws, rejects, returns `false`, a `CheckResult` that says so or an object with another text as its
   * `status`; passes with anything else. It runs again only once the run before has settled.
   */
  run(signal: AbortSignal): unknown
  /** Called once, when the app closes, which waits for what it returns. */
  close?(): unknown
}

export interface ResolvedCheck extends Required<CheckOptions>, Pick<HealthCheck, 'run' | 'close'> {}

export const checkOptions = ['kind', 'in', 'timeoutMs', 'everyMs', 'maxStaleMs', 'failAfter', 'passAfter'] as const

const kind: rules.Rule = {
  must: "'critical' or 'degraded'",
  test: (value) => value === 'critical' || value === 'degraded',
}

const places: rules.Rule = {
  must: "['ready'], ['startup'] or both",
  test: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((place) => place === 'ready' || place === 'startup'),
}

/**
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function resolveCheck(name: string, check: HealthCheck): ResolvedCheck {
  const of = `checks.${name}`
  takeObject(of, check, ['run', 'close', ...checkOptions])
  if (check.run === undefined) rules.refuse(`${of}.run`, rules.callable.must, undefined)
  const time = (key: 'timeoutMs' | 'everyMs', standIn: number) =>
    take(`${of}.${key}`, check[key], rules.duration, standIn)
  const timeoutMs = time('timeoutMs', 1_000)
  const everyMs = time('everyMs', 2_000)
  // With less, a check that passes would count as failed between two runs.
  const leastMs = everyMs + timeoutMs
  const stale: rules.Rule = {
    must: `at least everyMs + timeoutMs, ${leastMs}`,
    test: (value) => rules.duration.test(value) && (value as number) >= leastMs,
  }
  const close = take(`${of}.close`, check.close, rules.callable)
  take(`${of}.run`, check.run, rules.callable)
  return {
    // Called on the check, as its author expects of a method.
    run: (signal) => check.run(signal),
    ...(close && { close: () => close.call(check) }),
    kind: take(`${of}.kind`, check.kind, kind, 'critical'),
    in: take(`${of}.in`, check.in, places, ['ready']),
    timeoutMs,
    everyMs,
    maxStaleMs: take(`${of}.maxStaleMs`, check.maxStaleMs, stale, 3 * leastMs),
    failAfter: take(`${of}.failAfter`, check.failAfter, rules.count, 2),
    passAfter: take(`${of}.passAfter`, check.passAfter, rules.count, 1),
  }
}
