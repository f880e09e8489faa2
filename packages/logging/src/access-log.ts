import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { AccessLine } from './access-line.js'
import type { ResolvedAccessLog } from './access-options.js'
import { type Internals, internalsOf } from './create-logger.js'
import { InFlight, type Turn } from './in-flight.js'
import { statusOf } from './outcome.js'
import { requestLogOf } from './request-log.js'
import { Routes } from './route.js'

/** Writes one line for each request, also for those whose client has gone. */
export class AccessLog {
  /** How many lines there were. */
  lines: number = 0
  readonly #level: string
  readonly #root: Logger
  readonly #line: AccessLine
  readonly #routes: Routes
  readonly #inFlight = new InFlight((reply) => this.end(reply))
  readonly #errors = new WeakMap<FastifyReply, Error>()
  /** For apps whose own logger is another. */
  readonly #RequestLog: ReturnType<typeof requestLogOf>

  /** @param label of the request's id */
  constructor(options: ResolvedAccessLog, internals: Internals, label: string) {
    this.#level = options.level
    this.#root = internals.root
    this.#line = new AccessLine(options, internals, label)
    this.#routes = new Routes(internals.scrub)
    this.#RequestLog = requestLogOf(internals.root)
  }

  /** Whether it says what becomes of a request. */
  hasLineFor(request: FastifyRequest): boolean {
    return !this.#routes.of(request).isProbe
  }

  begin(request: FastifyRequest, reply: FastifyReply): void {
    this.#inFlight.begin(request, reply)
  }

  fail(reply: FastifyReply, error: Error): void {
    this.#errors.set(reply, error)
  }

  /** At its finish, or the end of its connection, whichever comes first. */
  end(reply: FastifyReply): void {
    const turn = this.#inFlight.end(reply)
    if (!turn) return
    const route = this.#routes.of(reply.request)
    if (route.isProbe) return
    const error = this.#errors.get(reply)
    const status = statusOf(reply, error)
    const log = this.#logOf(reply)
    const level = status >= 500 ? 'error' : this.#level
    if (!log.isLevelEnabled(level)) return
    this.lines++
    const bytes = this.#bytesOf(turn, reply, status)
    this.#line.write({ log, level, reply, turn, status, route, bytes, error })
  }

  /** Of the body: as declared, or else as sent. */
  #bytesOf(turn: Turn, reply: FastifyReply, status: number): number {
    const length = reply.getHeader('content-length')
    const isComplete = status === reply.statusCode && reply.request.method !== 'HEAD'
    const bytes = isComplete && length !== undefined ? Number(length) : Number.NaN
    return bytes >= 0 ? bytes : this.#inFlight.bodyBytes(turn, reply)
  }

  #logOf({ log, request }: FastifyReply): Logger {
    if (internalsOf(log)?.root === this.#root) return log as Logger
    const own = new this.#RequestLog({ reqId: request.id })
    own.raw = request.raw
    return own
  }
}
