import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request, from its headers to the end of its answer; or an upgraded connection, to its end. */
export interface InFlight {
  raw: IncomingMessage
  /** None for an upgrade, whose answer is no business of HTTP's. */
  response: ServerResponse | undefined
  startedMs: number
}
