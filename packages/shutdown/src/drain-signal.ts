import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Connections } from './connections.js'

/** `request.drainSignal`: made where it is read, so that a request that does not read it pays nothing. */
export class DrainSignals {
  readonly #connections: Connections
  readonly #controllers = new WeakMap<IncomingMessage, AbortController>()
  #reason: Error | undefined

  constructor(connections: Connections) {
    this.#connections = connections
  }

  decorate(app: FastifyInstance): void {
    const signals = this
    app.decorateRequest('drainSignal', {
      getter(this: FastifyRequest): AbortSignal {
        return signals.#of(this.raw)
      },
    })
  }

  /** Aborts those of what is in flight, and any that is read later. */
  abort(reason: Error): void {
    this.#reason = reason
    for (const { raw } of this.#connections.inFlight()) this.#controllers.get(raw)?.abort(reason)
  }

  #of(raw: IncomingMessage): AbortSignal {
    let controller = this.#controllers.get(raw)
    if (!controller) {
      controller = new AbortController()
      if (this.#reason) controller.abort(this.#reason)
      this.#controllers.set(raw, controller)
    }
    return controller.signal
  }
}
