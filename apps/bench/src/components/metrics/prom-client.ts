import prometheus from 'prom-client'
import type { Recorder, RecorderOptions } from './measure.js'

/** With `summary`, both that fastify-metrics keeps for every request. */
export async function start({ buckets, summary = false }: RecorderOptions): Promise<Recorder> {
  const labelNames = ['method', 'route', 'status_code'] as const
  const name = 'request_duration_seconds'
  const histogram = new prometheus.Histogram({ name, help: 'Duration of requests', labelNames, buckets })
  const second = summary
    ? new prometheus.Summary({ name: 'request_summary_seconds', help: 'Duration of requests', labelNames })
    : undefined
  return {
    record(method, route, status, seconds) {
      const labels = { method, route, status_code: status }
      histogram.observe(labels, seconds)
      second?.observe(labels, seconds)
    },
    scrape: () => prometheus.register.metrics(),
  }
}
