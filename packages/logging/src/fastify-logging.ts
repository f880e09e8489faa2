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

type LogControllerClass = new (options: { disableRequestLogging: boolean; requestIdLogLabel?: string }) => object

interface Copy {
  LogController?: LogControllerClass
}

/**
 * What an app is made with: `Fastify({ ...fastifyLogging(logger) })`. The plugin then writes the access lines.
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 */
export function fastifyLogging(logger: SteadfastLogger, options: FastifyLoggingOptions = {}): ServerOptions {
  const internals = internalsOf(logger)
  if (!internals) rules.refuse('logger', 'one that createLogger() has made', logger)
  takeObject('the options', options, ['accessLog', 'requestIdLogLabel', 'fastify'], '')
  const { accessLog = {}, fastify = Fastify } = options
  const label = take('requestIdLogLabel', options.requestIdLogLabel, rules.text)
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
  const quiet = LogController ? { logController: controllerOf(LogController, requestLog, wiring) } : requestLog
  return {
    loggerInstance: loggerFor(logger, wiring),
    ...quiet,
  } as unknown as ServerOptions
}

/** Fastify calls it for each request in any case, which hooks would cost more. */
function controllerOf(
  LogController: LogControllerClass,
  options: ConstructorParameters<LogControllerClass>[0],
  wiring: Wiring,
): object {
  return new (class extends LogController {
    incomingRequest(request: FastifyRequest, reply: FastifyReply): void {
      bindTrace(request)
      wiring.accessLog?.begin(request, reply)
    }

    requestCompleted(_error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
      wiring.accessLog?.end(reply)
    }

    // No hook hears of these.
    streamError(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
      wiring.accessLog?.fail(reply, error)
    }

    serializerError(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
      wiring.accessLog?.fail(reply, error)
    }

    writeHeadError(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
      wiring.accessLog?.fail(reply, error)
    }
  })(options)
}
