import type { Center } from './center.js'
import type { MetricFamily } from './lifecycle.js'
import { statsOf } from './stats.js'

/** What metrics can read. */
export function metricSource(center: Center): () => MetricFamily[] {
  return () => {
    const { firing, pending, fired, dropped, channels } = statsOf(center)
    const byChannel = (count: 'delivered' | 'failed' | 'refused') =>
      Object.entries(channels).map(([channel, counts]) => ({ labels: { channel }, value: counts[count] }))
    const reasons = Object.entries(dropped).map(([reason, value]) => ({ labels: { reason }, value }))
    return [
      { name: 'alerts_firing', help: 'Incidents that are there now.', type: 'gauge', samples: [{ value: firing }] },
      { name: 'alerts_pending', help: 'What waits to be delivered.', type: 'gauge', samples: [{ value: pending }] },
      { name: 'alerts_fired_total', help: 'Incidents that have begun.', type: 'counter', samples: [{ value: fired }] },
      counter('alerts_delivered_total', 'Messages delivered, by channel.', byChannel('delivered')),
      counter('alerts_failed_attempts_total', 'Attempts to deliver that failed, by channel.', byChannel('failed')),
      counter('alerts_refused_total', 'Messages refused for good, by channel.', byChannel('refused')),
      counter('alerts_dropped_total', 'What was given up, by reason.', reasons),
    ]
  }
}

function counter(name: string, help: string, samples: MetricFamily['samples']): MetricFamily {
  return { name, help, type: 'counter', samples }
}
