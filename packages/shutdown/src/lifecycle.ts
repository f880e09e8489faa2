import type { FastifyInstance } from 'fastify'

/**
 * It only moves forward. ready: booted. draining: on the way out, still serving. closed: HTTP is drained and closed, what
 * is left of the work on the way out is being done.
 */
export type State = 'starting' | 'ready' | 'draining' | 'closed'

/** In the order in which they run: the first before HTTP is closed, the others after it is drained. */
export type DrainPhase = 'consumers' | 'flush' | 'connections' | 'logs'

export const drainPhases: readonly DrainPhase[] = ['consumers', 'flush', 'connections', 'logs']

/** What the plugins of one app share, as docs/architecture.md defines it. */
export interface Shared {
  state: State
  onState: Set<(state: State) => void>
  onDrain: Record<DrainPhase, (() => unknown)[]>
  runPhase?: (phase: DrainPhase) => Promise<void>
  metricSources: Set<unknown>
}

const key = Symbol.for('steadfast.v1')
const states: readonly State[] = ['starting', 'ready', 'draining', 'closed']

export function join(app: FastifyInstance): Shared {
  const server = app.server as { [key]?: Shared }
  const onDrain = { consumers: [], flush: [], connections: [], logs: [] }
  server[key] ??= { state: 'starting', onState: new Set(), onDrain, metricSources: new Set() }
  return server[key]
}

/** Moves the app forward; a listener that throws is handed to `onError` and keeps no other from being told. */
export function move(shared: Shared, state: State, onError: (error: unknown) => void): void {
  if (states.indexOf(state) <= states.indexOf(shared.state)) return
  shared.state = state
  for (const listener of shared.onState) {
    try {
      listener(state)
    } catch (error) {
      onError(error)
    }
  }
}
