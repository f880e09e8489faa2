import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { type CheckOptions, type CheckResult, checkOptions, type HealthCheck } from '../check.js'
import * as rules from '../rules.js'

export interface EventLoopCheckOptions extends CheckOptions {
  /** The longest delay that 99 % of the loop's turns may have had since the last run. At least one of the two must be set. */
  maxDelayMs?: number
  /** The share of the time since the last run that the loop may have been busy, from above 0 to 1. */
  maxUtilization?: number
}

const resolutionMs = 10

/**
 * Measures the event loop, its delay and its utilization, from one run to the next. Its kind is `degraded`, unless said
 * otherwise.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function eventLoopCheck(options: EventLoopCheckOptions): HealthCheck {
  const { maxDelayMs, maxUtilization, ...when } = rules.takeObject('eventLoopCheck', options, [
    'maxDelayMs',
    'maxUtilization',
    ...checkOptions,
  ])
  rules.take('eventLoopCheck.maxDelayMs', maxDelayMs, rules.duration)
  rules.take('eventLoopCheck.maxUtilization', maxUtilization, rules.share)
  if ((maxDelayMs ?? maxUtilization) === undefined) {
    rules.refuse('eventLoopCheck', 'given maxDelayMs, maxUtilization or both', options)
  }
  let histogram: IntervalHistogram | undefined
  let before = performance.eventLoopUtilization()

  return {
    kind: 'degraded',
    ...when,
    run(): CheckResult {
      if (!histogram) {
        histogram = monitorEventLoopDelay({ resolution: resolutionMs })
        histogram.enable()
        before = performance.eventLoopUtilization()
        return { status: 'pass' }
      }
      const delayMs = histogram.count > 0 ? Math.max(0, histogram.percentile(99) / 1e6 - resolutionMs) : 0
      histogram.reset()
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, before)
      before = now
      const faults: string[] = []
      if (delayMs > (maxDelayMs ?? Infinity)) faults.push(`a delay of ${Math.round(delayMs)} ms, above ${maxDelayMs}`)
      if (utilization > (maxUtilization ?? Infinity)) {
        faults.push(`a utilization of ${utilization.toFixed(3)}, above ${maxUtilization}`)
      }
      const observed = { observedValue: Math.round(delayMs), observedUnit: 'ms' }
      return { status: faults.length > 0 ? 'fail' : 'pass', output: faults.join('; '), ...observed }
    },
    close() {
      histogram?.disable()
      histogram = undefined
    },
  }
}
