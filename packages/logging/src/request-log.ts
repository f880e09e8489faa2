import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { type Bindings, type ChildLoggerOptions, type Logger, pino } from 'pino'
import type { AccessLog } from './access-log.js'
import type { AccessLogOptions } from './access-options.js'
import { internalsOf } from './create-logger.js'
import { activeTraceId, traceIdOf } from './trace.js'

const chindingsSym: unique symbol = (pino.symbols as { chindingsSym: symbol }).chindingsSym as never

/** A logger of a request, made by no child(). */
export interface RequestLog extends Logger {
  readonly bound: Bindings
  /** Once Fastify has told of the request. */
  raw: IncomingMessage | undefined
  /** Of the span that was active when the request came. */
  readonly activeTraceId: string | undefined
  readonly parent: Logger
  /** What the app has bound to it, or to a child of it, by means of pino. */
  readonly rebound: string | undefined
}

type RequestLogClass = new (bindings: Bindings) => RequestLog

const isLazySym = Symbol('steadfast.logging.isLazy')
const wiringSym = Symbol('steadfast.logging.wiring')

export function isLazy(log: unknown): log is RequestLog {
  return (log as { [isLazySym]?: true })[isLazySym] === true
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

/** That of the app whose logger it is, if `fastifyLogging` has made what the app was made with. */
export function wiringOf(log: unknown): Wiring | undefined {
  return (log as { [wiringSym]?: Wiring })[wiringSym]
}

type ChildOf = (this: Logger, bindings: Bindings, options?: ChildLoggerOptions) => Logger

/**
 * The logger that an app is made with. It and its children make loggers for requests that cost next to nothing until they are used:
 * each inherits from the app's, and knows how to bind the request's id and trace. A `childLoggerFactory` would do as well, but
 * Fastify looks through all methods of what such a one has made.
 */
export function loggerFor(logger: Logger, wiring: Wiring): Logger {
  const wired = logger.child({})
  const child = logger.child as unknown as ChildOf
  let parent: Logger | undefined
  let RequestLog: RequestLogClass | undefined
  function childOf(this: Logger, bindings: Bindings, options?: ChildLoggerOptions): Logger {
    if (!isForRequest(bindings, options, wiring.label)) return child.call(this, bindings, options)
    if (this !== parent) {
      parent = this
      RequestLog = internalsOf(this)?.isPlain && !isLazy(this) ? requestLogOf(this) : undefined
    }
    return RequestLog ? new RequestLog(bindings) : child.call(this, bindings, options)
  }
  return Object.defineProperties(wired, { child: { value: childOf }, [wiringSym]: { value: wiring } })
}

/** Fastify alone gives an object of options without any; those for a route's level and serializers are for pino. */
function isForRequest(bindings: Bindings, options: ChildLoggerOptions | undefined, label: string): boolean {
  if (options === undefined) return false
  for (const _ in options) return false
  return bindings?.[label] !== undefined
}

/** Gives the logger of a request what it needs to know its trace. */
export function bindTrace({ log, raw }: FastifyRequest): void {
  if (isLazy(log)) {
    log.raw = raw
    return
  }
  const traceId = traceIdOf({ raw, activeTraceId: undefined })
  if (traceId !== undefined && internalsOf(log)) (log as Logger).setBindings({ traceId })
}

export function requestLogOf(parent: Logger): RequestLogClass {
  class RequestLog {
    readonly bound: Bindings
    raw: IncomingMessage | undefined = undefined
    readonly activeTraceId: string | undefined
    rebound: string | undefined = undefined

    constructor(bindings: Bindings) {
      this.bound = bindings
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
