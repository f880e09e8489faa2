import { availableParallelism } from 'node:os'
import { type CgroupCpu, cgroupCpu } from '../cgroup/cpu.js'
import { type CheckOptions, type CheckResult, checkOptions, type HealthCheck } from '../check.js'
import * as rules from '../rules.js'

export interface CpuCheckOptions extends CheckOptions {
  /** The share of the CPU quota that may be used between two runs, from above 0 to 1. Default 0.9. */
  maxUsage?: number
  /**
   * The share of periods in which the quota may run out, from above 0 to 1. Default 0.25, as the alert CPUThrottlingHigh
   * of kubernetes-mixin has it.
   */
  maxThrottled?: number
  /** Where /proc and /sys are. Default `/`. */
  cgroupRoot?: string
}

interface Sample {
  atMs: number
  usedSeconds: number
  cpu: CgroupCpu | undefined
}

/**
 * Measures the CPU time since the last run against the quota of the cgroup; without a quota, against the cores. Where the
 * cgroup's own time is not told, it is the process' own. Its kind is `degraded`, unless said otherwise.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function cpuCheck(options: CpuCheckOptions = {}): HealthCheck {
  const { maxUsage, maxThrottled, cgroupRoot, ...when } = rules.takeObject('cpuCheck', options, [
    'maxUsage',
    'maxThrottled',
    'cgroupRoot',
    ...checkOptions,
  ])
  const mostUsed = rules.take('cpuCheck.maxUsage', maxUsage, rules.share, 0.9)
  const mostThrottled = rules.take('cpuCheck.maxThrottled', maxThrottled, rules.share, 0.25)
  const read = cgroupCpu(rules.take('cpuCheck.cgroupRoot', cgroupRoot, rules.text, '/'))
  let last: Sample | undefined

  function sample(): Sample {
    const cpu = read()
    const { user, system } = process.cpuUsage()
    const ofGroup = cpu?.quotaCores === undefined ? undefined : cpu.usedSeconds
    return { atMs: performance.now(), usedSeconds: ofGroup ?? (user + system) / 1e6, cpu }
  }

  return {
    kind: 'degraded',
    ...when,
    run(): CheckResult {
      const before = last
      const now = sample()
      last = now
      // The first run has nothing to compare with, and a boot takes all the CPU it gets.
      if (!before || now.atMs <= before.atMs) return { status: 'pass' }
      const cores = now.cpu?.quotaCores ?? availableParallelism()
      const usage = (now.usedSeconds - before.usedSeconds) / ((now.atMs - before.atMs) / 1_000) / cores
      const periods = (now.cpu?.periods ?? 0) - (before.cpu?.periods ?? 0)
      const throttled = ((now.cpu?.throttledPeriods ?? 0) - (before.cpu?.throttledPeriods ?? 0)) / Math.max(1, periods)
      const faults: string[] = []
      if (usage > mostUsed) faults.push(`${percent(usage)} of ${cores} cores are in use, above ${percent(mostUsed)}`)
      if (throttled > mostThrottled) {
        faults.push(`the quota ran out in ${percent(throttled)} of the periods, above ${percent(mostThrottled)}`)
      }
      const observed = { observedValue: Math.round(1_000 * usage) / 10, observedUnit: 'percent' }
      return { status: faults.length > 0 ? 'fail' : 'pass', output: faults.join('; '), ...observed }
    },
  }
}

function percent(share: number): string {
  return `${Math.round(1_000 * share) / 10} %`
}
