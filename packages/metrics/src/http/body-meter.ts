import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { RequestSeries } from './request-metrics.js'

const meter: unique symbol = Symbol('steadfast.metrics.meter')

type Metered = ServerResponse & { [meter]?: Meter }
type MeteredRequest = IncomingMessage & { [meter]?: Meter }

/** What went over one request: when its head was written, and the bytes of both bodies. */
interface Meter {
  startMs: number
  firstByteMs: number
  requestBytes: number
  responseBytes: number
  isEnding: boolean
  push: IncomingMessage['push']
  writeHead: ServerResponse['writeHead']
  write: ServerResponse['write']
  end: ServerResponse['end']
}

/**
 * Stands in the way of what is written: with a stream, neither Fastify nor Node knows how long the body will be, or when it
 * begins.
 */
export function attachMeter(request: IncomingMessage, response: Metered): void {
  const { writeHead, write, end } = response
  const { push } = request
  const own: Meter = {
    startMs: performance.now(),
    firstByteMs: 0,
    requestBytes: Number(request.headers['content-length'] ?? 0),
    responseBytes: 0,
    isEnding: false,
    push,
    writeHead,
    write,
    end,
  }
  response[meter] = own
  response.writeHead = meteredWriteHead as typeof writeHead
  response.write = meteredWrite as typeof write
  response.end = meteredEnd as typeof end
  if (request.headers['content-length'] !== undefined) return
  ;(request as MeteredRequest)[meter] = own
  request.push = meteredPush
}

export function recordMeter({ firstByte, requestSize, responseSize }: RequestSeries, reply: FastifyReply): void {
  const own = (reply.raw as Metered)[meter]
  if (own === undefined) return
  if (own.firstByteMs !== 0) firstByte?.observe((own.firstByteMs - own.startMs) / 1_000)
  requestSize?.observe(own.requestBytes)
  responseSize?.observe(hasBody(reply) ? own.responseBytes : 0)
}

/** RFC 9110, 6.4.1: replies that have none, whatever was handed over. */
function hasBody({ request, statusCode }: FastifyReply): boolean {
  return request.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
}

function meteredWriteHead(this: Metered, ...args: Parameters<ServerResponse['writeHead']>): ServerResponse {
  const own = this[meter]!
  if (own.firstByteMs === 0) own.firstByteMs = performance.now()
  return own.writeHead.apply(this, args)
}

function meteredWrite(this: Metered, ...args: [chunk: unknown, ...rest: never[]]): boolean {
  const own = this[meter]!
  if (!own.isEnding) own.responseBytes += lengthOf(args[0], args[1])
  return own.write.apply(this, args as never)
}

/** HTTP/2, and inject, write the last chunk by `write`, which would count it again. */
function meteredEnd(this: Metered, ...args: [chunk?: unknown, ...rest: never[]]): ServerResponse {
  const own = this[meter]!
  own.responseBytes += lengthOf(args[0], args[1])
  own.isEnding = true
  return own.end.apply(this, args as never)
}

function meteredPush(this: MeteredRequest, chunk: unknown, encoding?: BufferEncoding): boolean {
  const own = this[meter]!
  own.requestBytes += lengthOf(chunk, encoding)
  return own.push.call(this, chunk, encoding)
}

function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  }
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : 0
}
