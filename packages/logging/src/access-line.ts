import { inspect } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Logger, pino } from 'pino'
import type { ResolvedAccessLog } from './access-options.js'
import { type AddressOf, addressBy } from './client-address.js'
import type { Internals } from './create-logger.js'
import type { Turn } from './in-flight.js'
import { isAscii, isPlain } from './plain.js'
import { isLazy, type RequestLog } from './request-log.js'
import { microsOf, timeText } from './response-time.js'
import type { RouteInfo } from './route.js'
import * as rules from './rules.js'
import { traceIdOf } from './trace.js'

/** A request that is over. */
export interface Completed {
  log: Logger
  level: string
  reply: FastifyReply
  turn: Turn
  status: number
  route: RouteInfo
  /** Of the body. */
  bytes: number
  error: Error | undefined
}

const { chindingsSym, endSym, lsCacheSym, serializersSym, timeSym } = pino.symbols as unknown as Record<
  'chindingsSym' | 'endSym' | 'lsCacheSym' | 'serializersSym' | 'timeSym',
  symbol
>

/** Read once: `pino` has so many properties that each read of one is slow. */
const { epochTime } = pino.stdTimeFunctions

/** What pino keeps of a logger, to put lines together from. */
interface Parts {
  [part: symbol]: unknown
}

const message = 'request completed'
const asItIs = { serializers: { req: (req: unknown) => req, res: (res: unknown) => res } }

/** The line of a request: put together by hand, which costs a quarter, wherever pino would have nothing to add. */
export class AccessLine {
  readonly #options: ResolvedAccessLog
  readonly #internals: Internals
  readonly #label: string
  readonly #number: number
  /** Whether the app calls a key of the line a secret, or has patterns of its own: it is then looked at as a whole. */
  readonly #isSuspect: boolean
  readonly #tail: string
  readonly #addressOf: AddressOf
  readonly #methods = new Map<string, string>()
  #parent: Logger | undefined
  /** Whether its times are milliseconds, so that one of them serves a thousandth of a second. */
  #isEpoch = false
  #common = ''
  #commonText = ''
  #headMs = -1
  #headText = ''
  /** Whether all that lines have in common is ASCII, which is written faster. */
  #isAscii = false

  /** @param label of the request's id */
  constructor(options: ResolvedAccessLog, internals: Internals, label: string) {
    const { root, messageKey, scrub, hasPatterns } = internals
    this.#options = options
    this.#internals = internals
    this.#label = label
    this.#number = root.levels.values[options.level]!
    this.#tail = flat(`,${JSON.stringify(messageKey)}:"${message}"${partsOf(root)[endSym]}`)
    const req = { method: 'GET', url: '/', route: '/', remoteAddress: '::' }
    const line = `${JSON.stringify({ [label]: '1', traceId: '1', req, res: { statusCode: 1, bytes: 1 }, responseTime: 1 })}${this.#tail}`
    this.#isSuspect = hasPatterns || scrub(line) !== line
    this.#addressOf = addressBy(options)
  }

  write(completed: Completed): void {
    const { log, reply, status, error, level } = completed
    const isOwn = this.#internals.hasSerializers || this.#isSerialized(log, reply.request)
    if (isOwn) {
      log[level as 'info']({ ...this.#moreOf(completed), req: reply.request, res: reply }, message)
      return
    }
    const isPlain = this.#internals.isPlain && !this.#options.fields && !error && status < 500
    const id = isPlain && isLazy(log) && log.rebound === undefined ? log.bound[this.#label] : undefined
    if (typeof id === 'string') this.#byHand(completed, log as RequestLog, id)
    else this.#byPino(completed)
  }

  /** Whether the route has serializers of its own for requests or answers. */
  #isSerialized(log: Logger, { server }: FastifyRequest): boolean {
    if (isLazy(log) && log.rebound === undefined) return false
    const [own, common] = [partsOf(log)[serializersSym], partsOf(server.log as Logger)[serializersSym]] as Record<
      string,
      unknown
    >[]
    return own !== common && common !== undefined && (own?.req !== common.req || own?.res !== common.res)
  }

  #moreOf({ reply, error }: Completed): object {
    return { ...this.#fieldsOf(reply), responseTime: microsOf(reply) / 1_000, ...(error && { err: error }) }
  }

  /** What the app adds; where that fails, why. */
  #fieldsOf(reply: FastifyReply): object {
    const { fields } = this.#options
    if (!fields) return {}
    try {
      const given: unknown = fields(reply.request, reply)
      // A promise comes too late, and what it is rejected with would end the process.
      if (given instanceof Promise) given.catch(() => {})
      if (!isPlainObject(given))
        throw new TypeError(`accessLog.fields gave ${inspect(given, { depth: 0 })}, not an object`)
      const { level: _level, time: _time, [this.#internals.messageKey]: _message, ...rest } = given
      return rest
    } catch (error) {
      return { fieldsError: error instanceof Error ? error.message : inspect(error, { depth: 0 }) }
    }
  }

  #byPino(completed: Completed): void {
    const { log, level, reply, turn, status, route, bytes } = completed
    const { method, originalUrl } = reply.request
    const remoteAddress = this.#addressOf(turn.ip ?? reply.request.ip)
    const req = { method, url: this.#internals.scrub(originalUrl), route: route.path, remoteAddress }
    const details = { ...this.#moreOf(completed), req, res: { statusCode: status, bytes } }
    log.child({}, asItIs)[level as 'info'](details, message)
  }

  #byHand({ reply, turn, status, route, bytes }: Completed, log: RequestLog, id: string): void {
    const { scrub, destination } = this.#internals
    const { request } = reply
    const { method, originalUrl } = request
    const head = this.#head(log)
    const isSimple = isPlain(id) && isPlain(originalUrl)
    const idText = isSimple ? id : this.#textOf(id)
    const url = isSimple ? originalUrl : this.#textOf(originalUrl)
    const rest = this.#restOf(route, status, bytes, turn.addressText ?? this.#addressTextOf(request, turn))
    const line = head + idText + this.#methodText(method, traceIdOf(log)) + url + rest + timeText(reply) + this.#tail
    destination.write(this.#isSuspect ? scrub(line) : line, isSimple && this.#isAscii && route.isAscii)
  }

  /** Level, time and what the app has bound, which many lines of a busy server have in common. */
  #head(log: RequestLog): string {
    const { parent } = log
    if (parent !== this.#parent) {
      this.#parent = parent
      this.#isEpoch = partsOf(parent)[timeSym] === epochTime
      this.#headMs = -1
    }
    const common = partsOf(parent)[chindingsSym] as string
    const nowMs = this.#isEpoch ? Date.now() : -1
    if (nowMs >= 0 && nowMs === this.#headMs && common === this.#common) return this.#headText
    if (common !== this.#common) {
      this.#common = common
      this.#commonText = this.#internals.scrub(common)
      this.#isAscii = isAscii(`${this.#commonText}${this.#label}${this.#tail}`)
    }
    this.#headMs = nowMs
    const level = (partsOf(parent)[lsCacheSym] as Record<number, string>)[this.#number]
    const time = partsOf(parent)[timeSym] as () => string
    this.#headText = flat(`${level}${time()}${this.#commonText},${JSON.stringify(this.#label)}:"`)
    return this.#headText
  }

  #methodText(method: string, traceId: string | undefined): string {
    let text = this.#methods.get(method)
    if (text === undefined) {
      text = flat(`","req":{"method":"${method}","url":"`)
      this.#methods.set(method, text)
    }
    return traceId === undefined ? text : `","traceId":"${traceId}${text}`
  }

  /** What follows the URL, up to the time. */
  #restOf(route: RouteInfo, status: number, bytes: number, addressText: string): string {
    const { last } = route
    if (last.status !== status || last.bytes !== bytes || last.addressText !== addressText) {
      const res = `"res":{"statusCode":${status},"bytes":${bytes}}`
      route.last = { status, bytes, addressText, text: flat(`"${route.json}${addressText}},${res},"responseTime":`) }
    }
    return route.last.text
  }

  #addressTextOf(request: FastifyRequest, turn: Turn): string {
    const address = this.#addressOf(turn.ip)
    // A proxy may send anything.
    const known = this.#textOf(address ?? '').replace(/[^\0-\x7f]/g, '?')
    const text = address === undefined ? '' : `,"remoteAddress":"${known}"`
    // Behind a proxy that is trusted, requests of one connection are of many clients: they have `ips` then.
    if (!('ips' in request)) turn.addressText = text
    return text
  }

  /** As JSON has it, without quotes and secrets. */
  #textOf(value: string): string {
    return this.#internals.scrub(JSON.stringify(value)).slice(1, -1)
  }
}

/** V8 keeps what was put together as a tree of its parts, and would go through it again for every line. */
function flat(text: string): string {
  return Buffer.from(text).toString()
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return rules.object.test(value) && !(value instanceof Promise)
}

function partsOf(log: Logger | RequestLog): Parts {
  return log as unknown as Parts
}
