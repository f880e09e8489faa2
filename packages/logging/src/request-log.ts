import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type Bindings, type ChildLoggerOptions, type Logger, pino } from 'pino'
import type { AccessLog } from './access-log.js'
import type { AccessLogOptions } from './access-options.js'
import { internalsOf } from './create-logger.js'
import { activeTraceId, traceIdOf } from './trace.js'

const chindingsSym: unique symbol = (pino.symbols as { chindingsSym: symbol }).chindingsSym as never

/** A logger of a request, made by no child(). */
export interface RequestLog extends Logger {
  readonly bound: Bindings
  readonly raw: IncomingMessage
  /** Of the span that was active when the request came. */
  readonly activeTraceId: string | undefined
  readonly parent: Logger
  /** What the app has bound to it, or to a child of it, by means of pino. */
  readonly rebound: string | undefined
}

type RequestLogClass = new (bindings: Bindings, raw: IncomingMessage) => RequestLog

const isLazySym = Symbol('steadfast.logging.isLazy')

export function isLazy(log: Logger): log is RequestLog {
  return (log as { [isLazySym]?: true })[isLazySym] === true
}

/** What Fastify asks for the logger of a request. */
export interface ChildLoggerFactory {
  (
    this: FastifyInstance,
    logger: FastifyBaseLogger,
    bindings: Bindings,
    options: ChildLoggerOptions,
    raw: never,
  ): FastifyBaseLogger
  /** For the plugin of the same app. */
  wiring: Wiring
}

/** What `fastifyLogging` and the plugin of an app know of each other. */
export interface Wiring {
  options: AccessLogOptions | false
  /** Of the request's id. */
  label: string
  /** Whether Fastify tells of requests without hooks. */
  isControlled: boolean
  accessLog: AccessLog | undefined
}

/**
 * Loggers for requests that cost next to nothing until they are used: each inherits from the app's, and knows how to bind the
 * request's id and trace.
 */
export function createChildLoggerFactory(wiring: Wiring): ChildLoggerFactory {
  let parent: FastifyBaseLogger | undefined
  let RequestLog: RequestLogClass | undefined
  function childLoggerFactory(
    this: unknown,
    logger: FastifyBaseLogger,
    bindings: Bindings,
    options: ChildLoggerOptions,
    raw: IncomingMessage,
  ): FastifyBaseLogger {
    if (logger !== parent) {
      parent = logger
      RequestLog = internalsOf(logger)?.isPlain ? requestLogOf(logger as Logger) : undefined
    }
    if (RequestLog && options.level === undefined && options.serializers === undefined)
      return new RequestLog(bindings, raw)
    const traceId = traceIdOf({ raw, activeTraceId: activeTraceId() })
    return logger.child(traceId === undefined ? bindings : { ...bindings, traceId }, options)
  }
  childLoggerFactory.wiring = wiring
  return childLoggerFactory as ChildLoggerFactory
}

export function requestLogOf(parent: Logger): RequestLogClass {
  class RequestLog {
    readonly bound: Bindings
    readonly raw: IncomingMessage
    readonly activeTraceId: string | undefined
    rebound: string | undefined = undefined

    constructor(bindings: Bindings, raw: IncomingMessage) {
      this.bound = bindings
      this.raw = raw
      this.activeTraceId = activeTraceId()
    }

    get [chindingsSym](): string {
      if (this.rebound !== undefined) return this.rebound
      const traceId = traceIdOf(this)
      let text = (parent as unknown as Record<symbol, string>)[chindingsSym]!
      for (const key in this.bound) text += `,${JSON.stringify(key)}:${JSON.stringify(this.bound[key])}`
      return traceId === undefined ? text : `${text},"traceId":"${traceId}"`
    }

    // pino binds a child, or more to this one, by setting it.
    set [chindingsSym](value: string) {
      this.rebound = value
    }
  }
  Object.defineProperties(RequestLog.prototype, { [isLazySym]: { value: true }, parent: { value: parent } })
  Object.setPrototypeOf(RequestLog.prototype, parent)
  return RequestLog as unknown as RequestLogClass
}
