import type { FastifyInstance } from 'fastify'
import type { Backlog } from './backlog.js'
import type { ClickCounts, ClickSink } from './sink.js'

const key = Symbol.for('steadfast.v1')

/** What docs/architecture.md calls metric sources, as far as it takes here. */
interface Family {
  name: string
  help: string
  type: 'counter' | 'gauge'
  samples: { value: number }[]
}
interface Shared {
  metricSources: Set<() => Family[]>
}

const counters: [name: keyof ClickCounts, help: string][] = [
  ['accepted', 'Clicks of redirects that were answered.'],
  ['written', 'Clicks that this process has counted in the database.'],
  ['dead', 'Clicks that the database refused, which are dead letters.'],
  ['streamed', 'Clicks that the stream in Redis has taken.'],
  ['spilled', 'Clicks that the stream did not take in time, written straight to the database.'],
  ['lost', 'Clicks that were thrown away, because too many waited.'],
]

/** Has the counts told at /metrics; they are read when they are asked for. */
export function tellClicks(app: FastifyInstance, counts: ClickCounts, sink: ClickSink, backlog: Backlog): void {
  const shared = (app.server as { [key]?: Shared })[key]
  const gauge = (name: string, help: string, value: number | undefined): Family[] =>
    value === undefined ? [] : [{ name, help, type: 'gauge', samples: [{ value }] }]
  shared?.metricSources.add(() => [
    ...counters.map(([name, help]) => ({
      name: `shortener_clicks_${name}_total`,
      help,
      type: 'counter' as const,
      samples: [{ value: counts[name] }],
    })),
    ...gauge('shortener_clicks_queued', 'Clicks that wait in this process.', sink.length),
    ...gauge(
      'shortener_clicks_lag_seconds',
      'Age of the oldest click that is not counted.',
      backlog.lagMs === undefined ? undefined : backlog.lagMs / 1_000,
    ),
    ...gauge('shortener_clicks_dead_letters', 'Dead letters that are there.', backlog.deadLetters),
  ])
}
