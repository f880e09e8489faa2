import { CounterMetric } from '../counter.js'

/** How far a request had come when it was broken off. */
export type Phase = 'before_reply' | 'during_reply'

/** Requests that were broken off, by how far they had come, and by whom. */
export class Aborts {
  readonly metric: CounterMetric

  constructor(prefix: string, maxSeries: number) {
    this.metric = new CounterMetric({
      name: `${prefix}http_requests_aborted_total`,
      help: 'Requests that were broken off, before or during the reply, by the client or by the server.',
      labelNames: ['method', 'route', 'phase', 'by'],
      maxSeries,
    })
  }

  count(method: string, route: string, phase: Phase, by: 'client' | 'server'): void {
    this.metric.inc({ method, route, phase, by })
  }
}
