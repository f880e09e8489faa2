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
  if (!hasStatus(value)) return { status: 'pass' }
  if (!isResult(value)) {
    const output = `returned the status ${inspect(value.status)}, not 'pass', 'warn' or 'fail'`
    return { status: 'fail', output: output.slice(0, longest) }
  }
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

function hasStatus(value: unknown): value is { status: string } {
  return typeof value === 'object' && value !== null && 'status' in value && typeof value.status === 'string'
}

function isResult(value: { status: string }): value is CheckResult {
  const statuses: string[] = ['pass', 'warn', 'fail'] satisfies Status[]
  return statuses.includes(value.status)
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
