import type { FastifyRequest } from 'fastify'
import type { Faults } from '../faults.js'

/** Gives the id of the trace that a request belongs to, where it is one that is kept. */
export type TraceIdOf = (request: FastifyRequest) => string | undefined

/** W3C Trace Context: version, trace id, parent id, flags; the last bit of these says that the trace is sampled. */
const traceparent = /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]([\da-f])/

export function sampledTraceId({ headers }: FastifyRequest): string | undefined {
  if (typeof headers.traceparent !== 'string') return undefined
  const [, traceId, flags = '0'] = traceparent.exec(headers.traceparent) ?? []
  return Number.parseInt(flags, 16) & 1 ? traceId : undefined
}

/** Trace ids for exemplars. OpenMetrics gives name and value 128 characters together, and they are written as they are. */
export class TraceIds {
  readonly #traceIdOf: TraceIdOf
  readonly #faults: Faults

  constructor(traceIdOf: TraceIdOf, faults: Faults) {
    this.#traceIdOf = traceIdOf
    this.#faults = faults
  }

  of(request: FastifyRequest): string | undefined {
    try {
      const traceId: unknown = this.#traceIdOf(request)
      if (traceId === undefined) return undefined
      if (typeof traceId === 'string' && /^[\w-]{1,100}$/.test(traceId)) return traceId
      throw new TypeError('it is no text of 1 to 100 letters, digits, - and _')
    } catch (error) {
      this.#faults.report('exemplars', `a trace id can’t be had (${(error as Error)?.message ?? error})`, error)
      return undefined
    }
  }
}
