import type { FastifyInstance } from 'fastify'
import type { ClickQueue } from './queue.js'

const key = Symbol.for('steadfast.v1')

/** What docs/architecture.md calls metric sources, as far as it takes here. */
interface Shared {
  metricSources: Set<() => { name: string; help: string; type: 'counter' | 'gauge'; samples: { value: number }[] }[]>
}

/** Has the counts of the queue told at /metrics; they are read when they are asked for. */
export function tellClicks(app: FastifyInstance, queue: ClickQueue): void {
  const shared = (app.server as { [key]?: Shared })[key]
  shared?.metricSources.add(() => {
    const counter = (what: keyof typeof queue.counts, help: string) => {
      return {
        name: `shortener_clicks_${what}_total`,
        help,
        type: 'counter' as const,
        samples: [{ value: queue.counts[what] }],
      }
    }
    return [
      counter('accepted', 'Clicks of redirects that were answered.'),
      counter('written', 'Clicks that are counted in the database.'),
      counter('lost', 'Clicks that were thrown away, because too many waited.'),
      { name: 'shortener_clicks_queued', help: 'Clicks that wait.', type: 'gauge', samples: [{ value: queue.length }] },
    ]
  })
}
