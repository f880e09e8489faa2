import { inspect } from 'node:util'
import type { CheckResult } from './check.js'
import type { Status } from './verdict.js'

const longest = 500

/** What a run of a check has come to. */
export interface Outcome extends CheckResult {
  /** What was thrown, for the log. */
  error?: unknown
}

/** @param value what a check returned */
export function outcomeOf(value: unknown): Outcome {
  if (value === false) return { status: 'fail', output: 'returned false' }
  if (!isResult(value)) return { status: 'pass' }
  const { status, output, observedValue, observedUnit } = value
  return {
    status,
    ...(output !== undefined && { output: `${output}`.slice(0, longest) }),
    ...(typeof observedValue === 'number' && { observedValue }),
    ...(typeof observedUnit === 'string' && { observedUnit }),
  }
}

/** @param error what a check threw, which may be anything */
export function failureOf(error: unknown): Outcome {
  return { status: 'fail', output: textOf(error).slice(0, longest), error }
}

function isResult(value: unknown): value is CheckResult {
  const statuses: unknown[] = ['pass', 'warn', 'fail'] satisfies Status[]
  return typeof value === 'object' && value !== null && statuses.includes((value as CheckResult).status)
}

/** What was thrown, in words. An AggregateError, as of a host with two addresses, has its messages inside. */
export function textOf(error: unknown): string {
  try {
    if (error instanceof AggregateError && !error.message) return error.errors.map(textOf).join(', ')
    if (error instanceof Error) return `${error.message || error.name}`
    return inspect(error, { depth: 1, breakLength: Infinity })
  } catch {
    return 'threw what can’t be shown'
  }
}
