import http from 'node:http'
import https from 'node:https'
import type { FastifyInstance } from 'fastify'

/** The http servers of an app: one, and for a name as localhost one more for each of its other addresses. */
export class Servers {
  readonly #first: http.Server | https.Server
  readonly #known = new WeakMap<object, boolean>()

  constructor(first: http.Server | https.Server) {
    this.#first = first
  }

  has(server: object): boolean {
    return server === this.#first || (this.#known.get(server) ?? this.#look(server as http.Server))
  }

  /** Fastify hands the requests of all of them to one listener. */
  #look(server: http.Server): boolean {
    const own = this.#first.listeners('request')
    const isOurs = server.listeners('request').some((listener) => own.includes(listener))
    this.#known.set(server, isOurs)
    return isOurs
  }
}

/**
 * The servers of an app all of whose requests can be counted as they come. Undefined where they can't: in a part of an app, with
 * HTTP/2 or a server that is not Node's, and where there are routes already, of which some may be probes.
 */
export function serversOf(app: FastifyInstance): Servers | undefined {
  const isRoot = Object.getPrototypeOf(app) === Object.prototype
  const server: unknown = app.server
  if (!isRoot || !(server instanceof http.Server || server instanceof https.Server)) return undefined
  return app.printRoutes().trim() === '(empty tree)' ? new Servers(server) : undefined
}
