import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'

/** A request, from its headers to the end of its answer; or an upgraded connection, to its end. Reused by later ones. */
export class InFlight {
  raw: IncomingMessage | undefined
  /** None for an upgrade, whose answer is no business of HTTP's. */
  response: ServerResponse | undefined
  /** Known only if its `drainSignal` was read. */
  request: FastifyRequest | undefined
  /** In whole ms, a number that needs no memory of its own; it wraps after 24 days. */
  #startedMs = 0

  start(raw: IncomingMessage, response: ServerResponse | undefined): void {
    this.raw = raw
    this.response = response
    this.#startedMs = performance.now() | 0
  }

  clear(): void {
    this.raw = undefined
    this.response = undefined
    this.request = undefined
  }

  get ageMs(): number {
    return ((performance.now() | 0) - this.#startedMs) | 0
  }
}
