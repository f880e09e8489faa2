import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { AccessLine } from './access-line.js'
import type { ResolvedAccessLog } from './access-options.js'
import { type Internals, internalsOf } from './create-logger.js'
import { requestLogOf } from './request-log.js'
import { routeOf } from './route.js'

/** nginx's: the client went away before it had its answer. */
const clientGone = 499

/** Where a response leads to its reply, until its line is written, and whether a socket is watched. */
const replyOf = Symbol('steadfast.logging.reply')
const isWatched = Symbol('steadfast.logging.isWatched')

interface Answer extends ServerResponse {
  [replyOf]?: FastifyReply | undefined
}
interface WatchedSocket extends Socket {
  [isWatched]?: true
  _httpMessage?: Answer | null
}

/** Writes one line for each request, also for those whose client has gone. */
export class AccessLog {
  /** How many lines there were. */
  lines: number = 0
  readonly #level: string
  readonly #root: Logger
  readonly #line: AccessLine
  readonly #errors = new WeakMap<FastifyRequest, Error>()
  /** For apps whose own logger is another. */
  readonly #RequestLog: ReturnType<typeof requestLogOf>

  constructor(options: ResolvedAccessLog, internals: Internals) {
    this.#level = options.level
    this.#root = internals.root
    this.#line = new AccessLine(options, internals)
    this.#RequestLog = requestLogOf(internals.root)
  }

  begin(request: FastifyRequest, reply: FastifyReply): void {
    const response = reply.raw as Answer
    response[replyOf] = reply
    const socket = response.socket as WatchedSocket | null
    // A pipelined request that waits for its turn, or HTTP/2.
    if (!socket || request.raw.httpVersionMajor > 1) {
      request.raw.once('close', () => this.#abort(response))
      return
    }
    if (socket[isWatched]) return
    socket[isWatched] = true
    // Node forgets the response of a connection once it is written: what is there at its end was not.
    socket.once('close', () => socket._httpMessage && this.#abort(socket._httpMessage))
  }

  fail(request: FastifyRequest, error: Error): void {
    this.#errors.set(request, error)
  }

  end(request: FastifyRequest, reply: FastifyReply, status: number): void {
    const response = reply.raw as Answer
    if (response[replyOf] === undefined) return
    response[replyOf] = undefined
    const route = routeOf(request)
    if (route.isProbe) return
    const log = this.#logOf(request)
    const level = status >= 500 ? 'error' : this.#level
    if (!log.isLevelEnabled(level)) return
    this.lines++
    this.#line.write({ log, level, request, reply, status, route, error: this.#errors.get(request) })
  }

  #logOf(request: FastifyRequest): Logger {
    const { log } = request
    if (internalsOf(log)?.root === this.#root) return log as Logger
    return new this.#RequestLog({ reqId: request.id }, request.raw)
  }

  #abort(response: Answer): void {
    const reply = response[replyOf]
    if (reply && !response.writableFinished) this.end(reply.request, reply, clientGone)
  }
}
