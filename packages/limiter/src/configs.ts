import type { FastifyRequest } from 'fastify'

/**
 * Finds the config of a request's route. `routeOptions` makes an object of a dozen fields each time, at a third of what a limit in
 * memory costs; so it is asked once, to see under which symbol a request has the object that the config comes from.
 */
export class Configs {
  #key: symbol | undefined
  #isSought = false

  of(request: FastifyRequest): object {
    const known =
      this.#key && (request as unknown as Record<symbol, { config?: object } | undefined>)[this.#key]?.config
    return known ?? this.#seek(request)
  }

  #seek(request: FastifyRequest): object {
    const { config } = request.routeOptions
    if (!this.#isSought) {
      this.#isSought = true
      const values = request as unknown as Record<symbol, { config?: object } | null | undefined>
      this.#key = Object.getOwnPropertySymbols(request).find((key) => values[key]?.config === config)
    }
    return config
  }
}
