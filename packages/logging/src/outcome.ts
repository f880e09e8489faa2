import type { ServerHttp2Stream } from 'node:http2'
import type { FastifyReply } from 'fastify'

/** nginx's: the client went away before it had its answer. */
const clientGone = 499
const brokenOff = 500
const switchingProtocols = 101

interface Errored {
  errored?: NodeJS.ErrnoException | null
}

/**
 * The status that a request has ended with, which need not be that of its reply: 499 if its client is gone, 500 if the reply was
 * broken off here.
 */
export function statusOf(reply: FastifyReply, error?: Error): number {
  const { raw: response, statusCode } = reply
  const request = reply.request.raw
  if (request.httpVersionMajor > 1) {
    const { aborted, rstCode } = (response as unknown as { stream: ServerHttp2Stream }).stream
    // "aborted" is not said of a reply whose end has been handed over, whether or not it could go out.
    return aborted || rstCode !== 0 ? (error ? brokenOff : clientGone) : statusCode
  }
  // Node says "finish" of a reply also when writing it has failed.
  const isOfNetwork = (request.socket as Errored).errored?.syscall !== undefined
  return response.writableFinished && !isOfNetwork ? statusCode : statusOfBroken(reply, isOfNetwork)
}

function statusOfBroken(
  { raw: response, request: { raw: request }, statusCode }: FastifyReply,
  isOfNetwork: boolean,
): number {
  // What is injected is not sent to anybody, and an abort destroys the request.
  if ('isLightMyRequest' in response) {
    if (request.destroyed) return clientGone
    return response.writableEnded ? statusCode : brokenOff
  }
  // A connection that goes on as a WebSocket ends without a reply.
  if ((request as { upgrade?: boolean | null }).upgrade && !response.headersSent) return switchingProtocols
  const isClients = request.socket.readableEnded || isOfNetwork || isOfParser(request.socket)
  return isClients ? clientGone : brokenOff
}

/** What Node's http server can't read, or does not get in time, it has Fastify answer by 400, 408 or 431, and destroy. */
function isOfParser({ errored }: Errored): boolean {
  return errored?.code?.startsWith('HPE_') === true || errored?.code === 'ERR_HTTP_REQUEST_TIMEOUT'
}
