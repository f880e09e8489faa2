import { freemem, totalmem } from 'node:os'
import { cgroupMemory } from '../cgroup/memory.js'
import { type CheckOptions, type CheckResult, checkOptions, type HealthCheck } from '../check.js'
import * as rules from '../rules.js'

export interface MemoryCheckOptions extends CheckOptions {
  /** The share of the memory limit that may be in use, from above 0 to 1. Default 0.9. */
  maxUsage?: number
  /** Where /proc and /sys are. Default `/`. */
  cgroupRoot?: string
}

/**
 * Measures the working set of the cgroup against its limit; without a limit, what is in use of the machine's memory. Its
 * kind is `degraded`, unless said otherwise.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function memoryCheck(options: MemoryCheckOptions = {}): HealthCheck {
  const { maxUsage, cgroupRoot, ...when } = rules.takeObject('memoryCheck', options, [
    'maxUsage',
    'cgroupRoot',
    ...checkOptions,
  ])
  const most = rules.take('memoryCheck.maxUsage', maxUsage, rules.share, 0.9)
  const read = cgroupMemory(rules.take('memoryCheck.cgroupRoot', cgroupRoot, rules.text, '/'))
  return {
    kind: 'degraded',
    ...when,
    run(): CheckResult {
      const memory = read()
      const machineBytes = totalmem()
      const isLimited = memory?.limitBytes !== undefined && memory.limitBytes < machineBytes
      const limitBytes = isLimited ? (memory.limitBytes as number) : machineBytes
      const usedBytes = isLimited ? memory.workingSetBytes : machineBytes - freemem()
      const observed = { observedValue: usedBytes, observedUnit: 'bytes' }
      if (usedBytes <= most * limitBytes) return { status: 'pass', ...observed }
      const output = `${usedBytes} of ${limitBytes} bytes are in use, above ${100 * most} %`
      return { status: 'fail', output, ...observed }
    },
  }
}
