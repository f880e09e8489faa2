import type { Breaker } from './breaker.js'
import type { MetricFamily } from './lifecycle.js'
import type { CacheStats } from './stats.js'

const states = { closed: 0, 'half-open': 1, open: 2 }

/** What metrics can read. */
export function metricSource(cache: {
  stats(): CacheStats
  readonly breakerState: Breaker['state'] | undefined
}): () => MetricFamily[] {
  return () => {
    const stats = cache.stats()
    const { breakerState } = cache
    return [
      {
        name: 'cache_hits_total',
        help: 'Reads that needed no load, by what answered them.',
        type: 'counter',
        samples: [
          { labels: { from: 'l1' }, value: stats.l1Hits },
          { labels: { from: 'l2' }, value: stats.l2Hits },
          { labels: { from: 'stale' }, value: stats.staleHits },
        ],
      },
      counter('misses', 'Reads that waited for a load, or found nothing.', stats.misses),
      counter('loads', 'Runs of loaders.', stats.loads),
      counter('load_errors', 'Runs of loaders that failed.', stats.loadErrors),
      counter('voided_loads', 'Loads that an invalidation overtook.', stats.voidedLoads),
      counter('oversized', 'Values too large for Redis.', stats.oversized),
      counter('corrupt', 'What Redis had and was no entry.', stats.corrupt),
      counter('l2_errors', 'Calls to Redis that failed or took too long.', stats.l2Errors),
      counter('flushes', 'Times that memory was emptied for fear of a missed invalidation.', stats.flushes),
      gauge('pending_invalidations', 'Invalidations that Redis has not been told.', stats.pending),
      gauge('entries', 'Entries in memory.', stats.entries),
      gauge('bytes', 'About what they take.', stats.bytes),
      ...(breakerState ? [gauge('breaker_state', '0 closed, 1 half-open, 2 open.', states[breakerState])] : []),
    ]
  }
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { name: `cache_${name}_total`, help, type: 'counter', samples: [{ value }] }
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name: `cache_${name}`, help, type: 'gauge', samples: [{ value }] }
}
