import type { FastifyInstance } from 'fastify'

/** Where the plugins of one app meet: `app.server[steadfast]`. */
export const steadfast: unique symbol = Symbol.for('steadfast.v1') as never

/**
 * It only moves forward. ready: booted. draining: on the way out, still serving. closed: HTTP is drained and closed, what
 * is left of the work on the way out is being done.
 */
export type State = 'starting' | 'ready' | 'draining' | 'closed'

/** In the order in which they run: the first before HTTP is closed, the others after it is drained. */
export type DrainPhase = 'consumers' | 'flush' | 'connections' | 'logs'

/** A metric family, as Prometheus' exposition formats have it. */
export interface MetricFamily {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  /** A histogram's samples carry the suffixes `_bucket`, `_sum` and `_count`. */
  samples: { suffix?: string; labels?: Record<string, string | number>; value: number }[]
}

/** What the plugins of one app share: `app.server[Symbol.for('steadfast.v1')]`. Fields are only ever added. */
export interface Shared {
  state: State
  /** Called after each change of `state`. */
  onState: Set<(state: State) => void>
  /** Work that is still to do on the way out. Who runs a phase takes its work out first; work reports its own failures. */
  onDrain: Record<DrainPhase, (() => unknown)[]>
  /** Runs a phase with budgets and a report, where shutdown is registered. */
  runPhase?: (phase: DrainPhase) => Promise<void>
  /** Read at scrape time, never by a request. */
  metricSources: Set<() => MetricFamily[]>
}

/** What the plugins of this app share, if any of them has made it. */
export function sharedBy(app: FastifyInstance): Shared | undefined {
  return (app.server as { [steadfast]?: Shared })[steadfast]
}
