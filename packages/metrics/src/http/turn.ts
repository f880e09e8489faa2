import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { MethodSeries } from './routes.js'

/**
 * A request that is being answered. A connection of HTTP/1.1 answers one at a time, and has one of these for all of its requests:
 * an object for each, or properties added to each response, could be measured.
 */
export class Turn {
  /** Undefined if it is of a single request. */
  readonly followedBy: object | undefined
  response: ServerResponse | undefined = undefined
  reply: FastifyReply | undefined = undefined
  /** Where the request is recorded; undefined once it is over, or if it is not recorded. */
  series: MethodSeries | undefined = undefined
  startMs = 0.5 // a number that is not whole, from the start: V8 then has one shape of turns

  constructor(followedBy?: object) {
    this.followedBy = followedBy
  }
}
