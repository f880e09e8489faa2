import type { FastifyRequest } from 'fastify'

/**
 * Finds the config of a request's route. `routeOptions` makes an object of a dozen fields each time, at a third of what a limit in
 * memory costs; so it is asked once, to see under which symbol a request has the object that the config comes from.
 */
export class Configs {
  /** Until it is known, one that no request has. */
  #key: symbol = Symbol('not sought')
  #isSought = false

  of(request: FastifyRequest): object {
    return (
      (request as unknown as Record<symbol, { config?: object } | undefined>)[this.#key]?.config ?? this.#seek(request)
    )
  }

  #seek(request: FastifyRequest): object {
    const { config } = request.routeOptions
    if (!this.#isSought) {
      this.#isSought = true
      const values = request as unknown as Record<symbol, { config?: object } | null | undefined>
      this.#key = Object.getOwnPropertySymbols(request).find((key) => values[key]?.config === config) ?? this.#key
    }
    return config
  }
}
