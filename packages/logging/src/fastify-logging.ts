import Fastify, { type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import { type AccessLogOptions, resolveAccessLog } from './access-options.js'
import { internalsOf, type SteadfastLogger } from './create-logger.js'
import { bindTrace, loggerFor, type Wiring } from './request-log.js'
import * as rules from './rules.js'
import { take, takeObject } from './rules.js'

export interface FastifyLoggingOptions {
  /** What the access line says; `false` for none. */
  accessLog?: AccessLogOptions | false
  /** The label of the request's id. Default `reqId`. */
  requestIdLogLabel?: string
  /** The Fastify that the app is made with, where that is another copy than the one this package finds. */
  fastify?: unknown
}

/** Of what `Fastify()` takes. */
type ServerOptions = Pick<FastifyServerOptions, 'loggerInstance'>

/** What is called of Fastify's own, since 5.10; the types of older versions don't have it. */
interface LogControllerLike {
  defaultErrorLog(error: Error, request: FastifyRequest, reply: FastifyReply): void
  streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void
  serializerError(error: Error, request: FastifyRequest, reply: FastifyReply, more?: object): void
  writeHeadError(error: Error, request: FastifyRequest, reply: FastifyReply): void
}

type LogControllerClass = new (options: { requestIdLogLabel?: string }) => LogControllerLike

interface Copy {
  LogController?: LogControllerClass
}

const copy: rules.Rule = { must: 'what the package fastify exports', test: (value) => typeof value === 'function' }
const labelRule: rules.Rule = {
  must: 'a text that no other field of a line has as its key',
  test: (value) => rules.text.test(value) && !lineKeys.includes(value as string),
}
const lineKeys = ['level', 'time', 'pid', 'hostname', 'msg', 'err', 'req', 'res', 'responseTime', 'traceId']

/**
 * What an app is made with: `Fastify({ ...fastifyLogging(logger) })`. The plugin then writes the access lines.
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 */
export function fastifyLogging(logger: SteadfastLogger, options: FastifyLoggingOptions = {}): ServerOptions {
  const internals = internalsOf(logger)
  if (!internals) rules.refuse('logger', 'one that createLogger() has made', logger)
  takeObject('the options', options, ['accessLog', 'requestIdLogLabel', 'fastify'], '')
  const { accessLog = {} } = options
  const fastify = take('fastify', options.fastify, copy, Fastify)
  const label = take('requestIdLogLabel', options.requestIdLogLabel, labelRule)
  if (accessLog !== false) resolveAccessLog(accessLog, Object.keys(logger.levels.values))
  const { LogController } = fastify as Copy
  const wiring: Wiring = {
    options: accessLog,
    label: label ?? 'reqId',
    isControlled: LogController !== undefined,
    accessLog: undefined,
  }
  const requestLog = { disableRequestLogging: true, ...(label !== undefined && { requestIdLogLabel: label }) }
  // From 5.10 on the options themselves are deprecated.
  const quiet = LogController ? { logController: controllerOf(LogController, label, wiring) } : requestLog
  return {
    loggerInstance: loggerFor(logger, wiring),
    ...quiet,
  } as unknown as ServerOptions
}

/** Fastify calls it for each request in any case, which hooks would cost more. What no access line tells it says itself. */
function controllerOf(LogController: LogControllerClass, label: string | undefined, wiring: Wiring): object {
  class Controller extends LogController {
    #hasWarned = false

    isLogDisabled(request: FastifyRequest): boolean {
      return wiring.accessLog?.hasLineFor(request) ?? false
    }

    incomingRequest(request: FastifyRequest, reply: FastifyReply): void {
      bindTrace(request)
      if (wiring.accessLog) wiring.accessLog.begin(request, reply)
      else if (wiring.options !== false) this.#warn(request)
    }

    requestCompleted(_error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
      wiring.accessLog?.end(reply)
    }

    #warn({ log }: FastifyRequest): void {
      if (this.#hasWarned) return
      this.#hasWarned = true
      log.warn('there are no access lines: @steadfast/logging is not registered')
    }

    routeNotFound(): void {
      // the status tells it
    }

    /** What clients got wrong is no news without an access log. */
    override defaultErrorLog(error: Error, request: FastifyRequest, reply: FastifyReply): void {
      if (reply.statusCode >= 500) super.defaultErrorLog(error, request, reply)
    }

    // No hook hears of these.
    override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
      wiring.accessLog?.fail(reply, error)
      super.streamError(error, request, reply)
    }

    override serializerError(error: Error, request: FastifyRequest, reply: FastifyReply, more?: object): void {
      wiring.accessLog?.fail(reply, error)
      super.serializerError(error, request, reply, more)
    }

    override writeHeadError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
      wiring.accessLog?.fail(reply, error)
      super.writeHeadError(error, request, reply)
    }
  }
  return new Controller(label === undefined ? {} : { requestIdLogLabel: label })
}
