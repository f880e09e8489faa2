import Fastify, { type FastifyServerOptions } from 'fastify'
import { type AccessLogOptions, resolveAccessLog } from './access-options.js'
import { internalsOf, type SteadfastLogger } from './create-logger.js'
import { createChildLoggerFactory } from './request-log.js'
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
type ServerOptions = Pick<FastifyServerOptions, 'childLoggerFactory' | 'loggerInstance'>

interface Copy {
  LogController?: new (options: { disableRequestLogging: boolean; requestIdLogLabel?: string }) => unknown
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
  const requestLog = { disableRequestLogging: true, ...(label !== undefined && { requestIdLogLabel: label }) }
  // From 5.10 on the options themselves are deprecated.
  const quiet = LogController ? { logController: new LogController(requestLog) } : requestLog
  return {
    loggerInstance: logger,
    childLoggerFactory: createChildLoggerFactory(accessLog),
    ...quiet,
  } as unknown as ServerOptions
}
