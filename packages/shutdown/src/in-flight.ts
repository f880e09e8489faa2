import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { RequestReport } from './report.js'

/** A request, from its headers to the end of its answer; or an upgraded connection, to its end. Reused by later ones. */
export class InFlight {
  raw: IncomingMessage | undefined
  /** None for an upgrade, whose answer is no business of HTTP's. */
  response: ServerResponse | undefined
  /** Once it has come to a route. */
  request: FastifyRequest | undefined
  /** In whole ms, so that it is a number that needs no place of its own. */
  startedMs = 0

  start(raw: IncomingMessage, response: ServerResponse | undefined): void {
    this.raw = raw
    this.response = response
    this.startedMs = wholeMs()
  }

  clear(): void {
    this.raw = undefined
    this.response = undefined
    this.request = undefined
  }

  report(): RequestReport {
    return {
      method: this.raw?.method ?? '',
      route: this.request?.routeOptions.url ?? this.raw?.url?.split('?', 1)[0] ?? '',
      ageMs: (wholeMs() - this.startedMs) | 0,
    }
  }
}

function wholeMs(): number {
  return performance.now() | 0
}
