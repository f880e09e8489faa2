import type { CgroupCpu } from './cgroup/cpu.js'
import type { CgroupMemory } from './cgroup/memory.js'
import type { MetricFamily } from './lifecycle.js'
import type { HealthMonitor } from './monitor.js'
import type { Watchdog } from './watchdog.js'

export interface Measured {
  monitor: HealthMonitor
  watchdog: Watchdog | undefined
  /** Counted where load is shed. */
  shed: { requests: number } | undefined
  memory(): CgroupMemory | undefined
  cpu(): CgroupCpu | undefined
}

const levels = { pass: 0, warn: 1, fail: 2 }

/** What metrics can read: the states of the checks, blocks of the event loop, and what the cgroup allows and has used. */
export function metricSource({ monitor, watchdog, shed, memory, cpu }: Measured): () => MetricFamily[] {
  return () => {
    const runners = [...monitor.runners]
    const byCheck = (value: (runner: (typeof runners)[number]) => number | undefined) =>
      runners.flatMap((runner) => {
        const number = value(runner)
        return number === undefined ? [] : [{ labels: { check: runner.name }, value: number }]
      })
    const families: MetricFamily[] = [
      gauge('health_status', 'Readiness: 0 pass, 1 warn, 2 fail.', levels[monitor.readiness]),
      {
        name: 'health_check_status',
        help: 'Each check: 0 pass, 1 warn, 2 fail.',
        type: 'gauge',
        samples: byCheck(({ status }) => levels[status]),
      },
      {
        name: 'health_check_failures_total',
        help: 'Runs of each check that failed.',
        type: 'counter',
        samples: byCheck(({ failures }) => failures),
      },
      {
        name: 'health_check_duration_seconds',
        help: 'How long the last run of each check took.',
        type: 'gauge',
        samples: byCheck(({ last }) => last && last.tookMs / 1_000),
      },
    ]
    if (watchdog) {
      families.push(
        counter(
          'health_event_loop_blocks_total',
          'Times that the event loop was blocked for too long.',
          watchdog.blocks,
        ),
        counter('health_event_loop_blocked_seconds_total', 'For how long, in all.', watchdog.blockedSeconds),
      )
    }
    if (shed) families.push(counter('health_shed_requests_total', 'Requests turned away under load.', shed.requests))
    return [...families, ...memoryFamilies(memory()), ...cpuFamilies(cpu())]
  }
}

function memoryFamilies(memory: CgroupMemory | undefined): MetricFamily[] {
  if (!memory) return []
  return [
    gauge('health_cgroup_memory_working_set_bytes', 'Usage less inactive page cache.', memory.workingSetBytes),
    gauge('health_cgroup_memory_limit_bytes', 'The lowest limit that holds; no sample without.', memory.limitBytes),
    counter('health_cgroup_oom_kills_total', 'Processes killed for lack of memory.', memory.oomKills),
  ]
}

function cpuFamilies(cpu: CgroupCpu | undefined): MetricFamily[] {
  if (!cpu) return []
  return [
    gauge('health_cgroup_cpu_quota_cores', 'The lowest quota that holds; no sample without.', cpu.quotaCores),
    counter('health_cgroup_cpu_periods_total', 'Periods that the quota was handed out for.', cpu.periods),
    counter('health_cgroup_cpu_throttled_periods_total', 'Periods in which it ran out.', cpu.throttledPeriods),
    counter('health_cgroup_cpu_throttled_seconds_total', 'Time spent waiting for the next.', cpu.throttledSeconds),
  ]
}

function gauge(name: string, help: string, value: number | undefined): MetricFamily {
  return { name, help, type: 'gauge', samples: value === undefined ? [] : [{ value }] }
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'counter', samples: [{ value }] }
}
