import type { MetricFamily } from './lifecycle.js'
import type { LimiterStats } from './stats.js'

/** The limiters of one app, each in a context of its own, tell one sum. */
const limiters = new WeakMap<object, Set<() => LimiterStats>>()

type Samples = MetricFamily['samples']

/** Adds what a limiter tells to what metrics can read. */
export function addMetrics(server: object, sources: Set<() => MetricFamily[]>, stats: () => LimiterStats): void {
  const known = limiters.get(server)
  if (known) {
    known.add(stats)
    return
  }
  const all = new Set([stats])
  limiters.set(server, all)
  sources.add(() => familiesOf([...all].map((each) => each())))
}

function familiesOf(all: LimiterStats[]): MetricFamily[] {
  const sum = (read: (stats: LimiterStats) => number) => all.reduce((total, stats) => total + read(stats), 0)
  const by = (label: string, read: (stats: LimiterStats) => Record<string, number>): Samples => {
    const names = new Set(all.flatMap((stats) => Object.keys(read(stats))))
    return [...names].map((name) => ({ labels: { [label]: name }, value: sum((stats) => read(stats)[name] ?? 0) }))
  }
  const family = (type: 'counter' | 'gauge', name: string, help: string, samples: Samples): MetricFamily => ({
    name: `limiter_${name}`,
    help,
    type,
    samples,
  })
  const families = [
    family(
      'counter',
      'requests_total',
      'Requests, by what the limiter made of them.',
      by('outcome', ({ requests }) => ({ ...requests })),
    ),
    family(
      'counter',
      'exceeded_total',
      'Hits that were too many, by policy.',
      by('policy', ({ exceeded }) => exceeded),
    ),
    family(
      'counter',
      'shadowed_total',
      'The same in shadow mode.',
      by('policy', ({ shadowed }) => shadowed),
    ),
    family('counter', 'delayed_total', 'Requests that had to wait.', [{ value: sum(({ delayed }) => delayed) }]),
    family('gauge', 'waiting_requests', 'Requests that wait.', [{ value: sum(({ waiting }) => waiting) }]),
    family('gauge', 'slots', 'Slots that requests hold.', [{ value: sum(({ slots }) => slots) }]),
    family('gauge', 'bans', 'Keys that are banned.', [{ value: sum(({ bans }) => bans) }]),
    family('counter', 'faults_total', 'Functions of policies that failed.', [{ value: sum(({ faults }) => faults) }]),
    family('gauge', 'keys', 'Keys in memory.', [{ value: sum(({ keys }) => keys) }]),
    family('counter', 'evictions_total', 'Keys that still counted, and had to go.', [
      { value: sum(({ evictions }) => evictions) },
    ]),
  ]
  if (!all.some(({ redis }) => redis)) return families
  const redis = (read: (stats: NonNullable<LimiterStats['redis']>) => number): Samples => [
    { value: sum((stats) => (stats.redis ? read(stats.redis) : 0)) },
  ]
  return [
    ...families,
    family(
      'gauge',
      'degraded',
      'Whether Redis does not answer.',
      redis(({ isDegraded }) => Number(isDegraded)),
    ),
    family(
      'counter',
      'redis_calls_total',
      'Calls to Redis.',
      redis(({ calls }) => calls),
    ),
    family(
      'counter',
      'redis_failures_total',
      'Those that failed, or were given up.',
      redis(({ failures }) => failures),
    ),
    family(
      'counter',
      'fallbacks_total',
      'Decisions made without Redis, as it does not answer.',
      redis(({ fallbacks }) => fallbacks),
    ),
    family(
      'counter',
      'known_total',
      'Decisions on keys known to be blocked.',
      redis(({ known }) => known),
    ),
    family(
      'counter',
      'leased_total',
      'Hits that were met by tokens taken before.',
      redis(({ leases }) => leases.local),
    ),
    family(
      'counter',
      'lease_waits_total',
      'Hits that had to wait for tokens.',
      redis(({ leases }) => leases.waits),
    ),
    family(
      'counter',
      'lease_calls_total',
      'Calls that took tokens, or gave some back.',
      redis(({ leases }) => leases.refills + leases.returns),
    ),
    family(
      'gauge',
      'blocked_keys',
      'Keys known to be blocked.',
      redis(({ blockedKeys }) => blockedKeys),
    ),
  ]
}
