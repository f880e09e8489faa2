import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'

/** A request, from its headers to the end of its answer; or an upgraded connection, to its end. */
export class InFlight {
  /** None while this waits to be used again. */
  raw: IncomingMessage | undefined
  /** None for an upgrade, whose answer is no business of HTTP's. */
  response: ServerResponse | undefined
  /** Known only if its `drainSignal` was read. */
  request: FastifyRequest | undefined
  startedMs = 0

  start(raw: IncomingMessage, response: ServerResponse | undefined, nowMs: number): void {
    this.raw = raw
    this.response = response
    this.startedMs = nowMs
  }

  clear(): void {
    this.raw = undefined
    this.response = undefined
    this.request = undefined
  }
}
