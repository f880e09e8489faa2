import prometheus from 'prom-client'
import type { Recorder, RecorderOptions } from './measure.js'

/** What is called of it, by which its fork is measured as well. */
export type PromClient = Pick<typeof prometheus, 'Histogram' | 'Summary' | 'register'>

export async function start(options: RecorderOptions): Promise<Recorder> {
  return recorder(prometheus, options)
}

/** With `summary`, both that fastify-metrics keeps for every request. */
export function recorder(client: PromClient, { buckets, summary = false }: RecorderOptions): Recorder {
  const labelNames = ['method', 'route', 'status_code'] as const
  const name = 'request_duration_seconds'
  const histogram = new client.Histogram({ name, help: 'Duration of requests', labelNames, buckets })
  const second = summary
    ? new client.Summary({ name: 'request_summary_seconds', help: 'Duration of requests', labelNames })
    : undefined
  return {
    record(method, route, status, seconds) {
      const labels = { method, route, status_code: status }
      histogram.observe(labels, seconds)
      second?.observe(labels, seconds)
    },
    scrape: () => client.register.metrics(),
  }
}
