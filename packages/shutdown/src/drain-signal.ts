import type { FastifyInstance, FastifyRequest } from 'fastify'

const controllerOf = Symbol('steadfast.shutdown.drainSignal')

type Controlled = FastifyRequest & { [controllerOf]?: AbortController | null }

/** `request.drainSignal`: made where it is read, so that a request that does not read it pays nothing. */
export class DrainSignals {
  #reason: Error | undefined

  decorate(app: FastifyInstance): void {
    const signals = this
    app.decorateRequest(controllerOf, null)
    app.decorateRequest('drainSignal', {
      getter(this: FastifyRequest): AbortSignal {
        return signals.#controller(this).signal
      },
    })
  }

  /** Aborts those of these requests, and any that is read later. */
  abort(reason: Error, requests: Iterable<FastifyRequest>): void {
    this.#reason = reason
    for (const request of requests) (request as Controlled)[controllerOf]?.abort(reason)
  }

  #controller(request: Controlled): AbortController {
    request[controllerOf] ??= new AbortController()
    if (this.#reason && !request[controllerOf].signal.aborted) request[controllerOf].abort(this.#reason)
    return request[controllerOf]
  }
}
