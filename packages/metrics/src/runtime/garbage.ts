import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { HistogramMetric } from '../histogram.js'

const kinds = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

/** How long each garbage collection took. */
export class GarbageCollections {
  readonly metric: HistogramMetric
  readonly #observer: PerformanceObserver

  constructor(prefix: string) {
    this.metric = new HistogramMetric({
      name: `${prefix}nodejs_gc_duration_seconds`,
      help: 'How long garbage collections took, by their kind.',
      labelNames: ['kind'],
      buckets: [0.001, 0.01, 0.1, 1, 2, 5],
      maxSeries: kinds.size + 1,
    })
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { detail, duration } = entry as PerformanceEntry & { detail: NodeGCPerformanceDetail }
        const kind = kinds.get(detail.kind ?? -1) ?? 'other'
        this.metric.observe({ kind }, duration / 1_000)
      }
    })
  }

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  stop(): void {
    this.#observer.disconnect()
  }
}
