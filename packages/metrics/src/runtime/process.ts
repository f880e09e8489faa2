import { readdirSync, readFileSync } from 'node:fs'
import type { MetricFamily } from '../lifecycle.js'
import { counter, gauge } from './families.js'

const startSeconds = Math.round(Date.now() / 1_000 - process.uptime())
const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number)

/** What Prometheus' clients tell of a process, and Node's version. */
export function processFamilies(prefix: string): MetricFamily[] {
  const { user, system } = process.cpuUsage()
  const version = { version: process.version, major, minor, patch }
  return [
    counter(`${prefix}process_cpu_user_seconds_total`, 'Time on a core, in user mode.', user / 1e6),
    counter(`${prefix}process_cpu_system_seconds_total`, 'Time on a core, in the kernel.', system / 1e6),
    counter(`${prefix}process_cpu_seconds_total`, 'Time on a core.', (user + system) / 1e6),
    gauge(`${prefix}process_start_time_seconds`, 'When the process started, as Unix time.', startSeconds),
    gauge(`${prefix}process_resident_memory_bytes`, 'Memory that is in RAM.', process.memoryUsage.rss()),
    ...linuxFamilies(prefix),
    {
      name: `${prefix}nodejs_version_info`,
      help: 'The version of Node.js.',
      type: 'gauge',
      samples: [{ labels: version, value: 1 }],
    },
  ]
}

/** From /proc; other systems don't tell. */
function linuxFamilies(prefix: string): MetricFamily[] {
  if (process.platform !== 'linux') return []
  const status = readFileSync('/proc/self/status', 'utf8')
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1_024
  const limit = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return [
    gauge(`${prefix}process_virtual_memory_bytes`, 'Addresses that are in use.', bytes('VmSize')),
    gauge(`${prefix}process_heap_bytes`, 'The data segment.', bytes('VmData')),
    gauge(`${prefix}process_open_fds`, 'Open file descriptors.', readdirSync('/proc/self/fd').length - 1),
    gauge(
      `${prefix}process_max_fds`,
      'How many file descriptors may be open.',
      limit === 'unlimited' ? Infinity : Number(limit),
    ),
  ]
}
