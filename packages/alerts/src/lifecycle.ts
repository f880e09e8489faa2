import type { FastifyInstance } from 'fastify'

export type State = 'starting' | 'ready' | 'draining' | 'closed'

type DrainPhase = 'consumers' | 'flush' | 'connections' | 'logs'

/** A metric family, as Prometheus' exposition formats have it. */
export interface MetricFamily {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  samples: { suffix?: string; labels?: Record<string, string | number>; value: number }[]
}

/** What the plugins of one app share; docs/architecture.md defines it. */
export interface Shared {
  state: State
  onState: Set<(state: State) => void>
  onDrain: Record<DrainPhase, (() => unknown)[]>
  runPhase?: (phase: DrainPhase) => Promise<void>
  metricSources: Set<() => MetricFamily[]>
}

const key = Symbol.for('steadfast.v1')
const states = ['starting', 'ready', 'draining', 'closed']

export function join(app: FastifyInstance): Shared {
  const server = app.server as { [key]?: Shared }
  const onDrain = { consumers: [], flush: [], connections: [], logs: [] }
  server[key] ??= { state: 'starting', onState: new Set(), onDrain, metricSources: new Set() }
  const shared = server[key]
  const move =
    (state: State, ...phases: DrainPhase[]) =>
    async () => {
      if (states.indexOf(state) > states.indexOf(shared.state)) {
        shared.state = state
        for (const listener of shared.onState) listener(state)
      }
      for (const phase of phases) {
        if (shared.runPhase) await shared.runPhase(phase)
        else await Promise.allSettled(shared.onDrain[phase].splice(0).map(async (work) => work()))
      }
    }
  app.addHook('onReady', move('ready'))
  app.addHook('preClose', move('draining', 'consumers'))
  app.addHook('onClose', move('closed', 'flush', 'connections', 'logs'))
  return shared
}
