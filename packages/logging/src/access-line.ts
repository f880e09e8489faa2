import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Logger, pino } from 'pino'
import type { ResolvedAccessLog } from './access-options.js'
import type { Internals } from './create-logger.js'
import { isLazy } from './request-log.js'
import type { RouteInfo } from './route.js'

/** A request that is over. */
export interface Completed {
  log: Logger
  level: string
  request: FastifyRequest
  reply: FastifyReply
  status: number
  route: RouteInfo
  error: Error | undefined
}

const { chindingsSym, endSym, lsCacheSym, serializersSym, timeSym } = pino.symbols as unknown as Record<
  'chindingsSym' | 'endSym' | 'lsCacheSym' | 'serializersSym' | 'timeSym',
  symbol
>

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
  readonly #number: number
  readonly #messageText: string
  /** What a path has that may hold a secret. */
  readonly #hint: RegExp
  #headMs = -1
  #headText = ''
  #lastAddress: string | undefined
  #lastAddressText = ''
  readonly #addressOf: (request: FastifyRequest) => string | undefined

  constructor(options: ResolvedAccessLog, internals: Internals) {
    this.#options = options
    this.#internals = internals
    this.#number = internals.root.levels.values[options.level]!
    this.#messageText = `,${JSON.stringify(internals.messageKey)}:"${message}"`
    this.#hint = internals.hasPatterns ? /^/ : /[^\w/.-]|[\w.-]{13}/
    this.#addressOf = addressBy(options)
  }

  write(completed: Completed): void {
    const { log, request, reply, status, error, level } = completed
    if (this.#isSerialized(log, request)) {
      const fields = this.#options.fields?.(request, reply)
      const details = { req: request, res: reply, responseTime: timeOf(reply), ...fields, ...(error && { err: error }) }
      log[level as 'info'](details, message)
    } else if (!this.#internals.isPlain || this.#options.fields || error || status >= 500) this.#byPino(completed)
    else this.#byHand(completed)
  }

  /** Whether the app or the route has serializers of its own for requests or answers. */
  #isSerialized(log: Logger, { server }: FastifyRequest): boolean {
    if (this.#internals.hasSerializers) return true
    if (partsOf(log)[isLazy]) return false
    const [own, common] = [partsOf(log)[serializersSym], partsOf(server.log as Logger)[serializersSym]] as Record<
      string,
      unknown
    >[]
    return own !== common && common !== undefined && (own?.req !== common.req || own?.res !== common.res)
  }

  #byPino({ log, level, request, reply, status, route, error }: Completed): void {
    const { scrub } = this.#internals
    const bytes = bytesOf(reply)
    const req = {
      method: request.method,
      url: scrub(request.originalUrl),
      route: route.path,
      remoteAddress: this.#addressOf(request),
    }
    const res = { statusCode: status, ...(bytes !== undefined && { bytes }) }
    const fields = this.#options.fields?.(request, reply)
    const details = { req, res, responseTime: timeOf(reply), ...fields, ...(error && { err: error }) }
    log.child({}, asItIs)[level as 'info'](details, message)
  }

  #byHand({ log, request, reply, status, route }: Completed): void {
    const { scrub, destination } = this.#internals
    const parts = partsOf(log) as Record<symbol, string>
    const bytes = bytesOf(reply)
    const url = request.originalUrl
    // What has nothing but these signs needs no quoting either.
    const path = this.#hint.test(url) ? scrub(JSON.stringify(url)) : `"${url}"`
    const req = `,"req":{"method":"${request.method}","url":${path}${route.json}${this.#addressText(request)}`
    const res = `},"res":{"statusCode":${status}${bytes === undefined ? '' : `,"bytes":${bytes}`}}`
    const tail = `,"responseTime":${timeText(reply)}${this.#messageText}${parts[endSym]}`
    const line = `${this.#head(parts)}${parts[chindingsSym]}${req}${res}${tail}`
    // What the app has bound to the request's logger may hold a secret.
    destination.write(Object.hasOwn(log, chindingsSym) ? scrub(line) : line)
  }

  /** Level and time, which many lines of a busy server have in common. */
  #head(parts: Record<symbol, unknown>): string {
    const time = parts[timeSym] as () => string
    const nowMs = time === pino.stdTimeFunctions.epochTime ? Date.now() : -1
    if (nowMs < 0 || nowMs !== this.#headMs) {
      this.#headMs = nowMs
      this.#headText = `${(parts[lsCacheSym] as Record<number, string>)[this.#number]}${time()}`
    }
    return this.#headText
  }

  #addressText(request: FastifyRequest): string {
    const address = this.#addressOf(request)
    if (address !== this.#lastAddress) {
      this.#lastAddress = address
      this.#lastAddressText = address === undefined ? '' : `,"remoteAddress":${JSON.stringify(address)}`
    }
    return this.#lastAddressText
  }
}

function partsOf(log: Logger): Parts {
  return log as unknown as Parts
}

/** In ms, to the µs. */
function timeOf(reply: FastifyReply): number {
  return Math.round(reply.elapsedTime * 1_000) / 1_000
}

const thousandths = Array.from({ length: 1_000 }, (_, n) =>
  n === 0 ? '' : `.${`${n}`.padStart(3, '0').replace(/0+$/, '')}`,
)

/** The same as text, for a number with a fraction takes long to become one. */
function timeText(reply: FastifyReply): string {
  const micros = Math.round(reply.elapsedTime * 1_000)
  return `${Math.floor(micros / 1_000)}${thousandths[micros % 1_000]}`
}

/** Of the body, where that is known without counting. */
function bytesOf(reply: FastifyReply): number | undefined {
  const length = reply.getHeader('content-length')
  const bytes = Number(length)
  return length === undefined || Number.isNaN(bytes) ? undefined : bytes
}

function addressBy({
  ip,
  ipKey = randomBytes(32).toString('hex'),
}: ResolvedAccessLog): (request: FastifyRequest) => string | undefined {
  if (ip === false) return () => undefined
  if (ip === 'plain') return (request) => request.ip
  return (request) => request.ip && createHmac('sha256', ipKey).update(request.ip).digest('base64url').slice(0, 16)
}
