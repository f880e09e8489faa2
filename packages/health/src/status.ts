import type { ResolvedCheck } from './check.js'
import type { State } from './lifecycle.js'
import type { CheckRunner } from './runner.js'
import type { Status } from './verdict.js'

/** What is known of one check. */
export interface CheckStatus {
  status: Status
  kind: 'critical' | 'degraded'
  in: ResolvedCheck['in']
  /** Why it does not pass. */
  output?: string
  observedValue?: number
  observedUnit?: string
  /** When it last had a result (ISO 8601). */
  time?: string
  /** How long its last run took. */
  tookMs?: number
}

/** What is known of the app. */
export interface HealthStatus {
  /** Whether traffic can be served: `fail` is no, `warn` is yes, but look after it. */
  status: Status
  state: State
  /** It has been ready, and every check of the start has passed once. */
  isStarted: boolean
  checks: Record<string, CheckStatus>
}

export function statusOf(runner: CheckRunner): CheckStatus {
  const { status, last, reason, check } = runner
  const { observedValue, observedUnit } = last ?? {}
  return {
    status,
    kind: check.kind,
    in: [...check.in],
    ...(status !== 'pass' && reason.output !== undefined && { output: reason.output }),
    ...(observedValue !== undefined && { observedValue }),
    ...(observedUnit !== undefined && { observedUnit }),
    ...(last && { time: new Date(last.time).toISOString(), tookMs: Math.round(last.tookMs) }),
  }
}
