import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type Bindings, type ChildLoggerOptions, type Logger, pino } from 'pino'
import type { AccessLog } from './access-log.js'
import type { AccessLogOptions } from './access-options.js'
import { internalsOf } from './create-logger.js'
import { traceIdOf } from './trace.js'

const chindingsSym: unique symbol = (pino.symbols as { chindingsSym: symbol }).chindingsSym as never

type Bound = Logger & { [chindings: symbol]: string }
type RequestLogClass = new (bindings: Bindings, raw: IncomingMessage) => Logger

/** Marks a logger that was made by no child(). */
export const isLazy: unique symbol = Symbol('steadfast.logging.isLazy')

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
    const traceId = traceIdOf(raw)
    return logger.child(traceId === undefined ? bindings : { ...bindings, traceId }, options)
  }
  childLoggerFactory.wiring = wiring
  return childLoggerFactory as ChildLoggerFactory
}

export function requestLogOf(parent: Logger): RequestLogClass {
  const common = (parent as Bound)[chindingsSym]!
  class RequestLog {
    /** It has the serializers of the app. */
    declare readonly [isLazy]: true
    readonly bound: Bindings
    readonly raw: IncomingMessage

    constructor(bindings: Bindings, raw: IncomingMessage) {
      this.bound = bindings
      this.raw = raw
    }

    get [chindingsSym](): string {
      const traceId = traceIdOf(this.raw)
      const { reqId } = this.bound
      let text = common
      if (typeof reqId === 'string') text += `,"reqId":${JSON.stringify(reqId)}`
      else for (const key in this.bound) text += `,${JSON.stringify(key)}:${JSON.stringify(this.bound[key])}`
      return traceId === undefined ? text : `${text},"traceId":"${traceId}"`
    }

    // pino binds a child, or more to this one, by setting it.
    set [chindingsSym](value: string) {
      Object.defineProperty(this, chindingsSym, { value, writable: true, configurable: true, enumerable: true })
    }
  }
  Object.defineProperty(RequestLog.prototype, isLazy, { value: true })
  Object.setPrototypeOf(RequestLog.prototype, parent)
  return RequestLog as unknown as RequestLogClass
}
