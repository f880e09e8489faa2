import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'

/** Whether a reply went out as a whole; if not, who broke it off. */
export type Outcome = 'complete' | 'client' | 'server'

/** How a request ended that has ended. */
export type OutcomeOf = (request: IncomingMessage, response: ServerResponse) => Outcome

const brokenHere: unique symbol = Symbol('steadfast.metrics.broken-here')

type Response = ServerResponse & { [brokenHere]?: true }

/** An aborted HTTP/2 stream looks the same whoever has aborted it: notes it where it is done here. */
export function watchResponse(response: Response): void {
  if ('stream' in response) Object.assign(response, { destroy: destroyHere })
}

function destroyHere(this: Response, error?: Error): Response {
  this[brokenHere] = true
  return Object.getPrototypeOf(this).destroy.call(this, error)
}

/** Whether it has ended already: a hook that stands before ours may take its time. */
export function isOver(request: IncomingMessage, response: ServerResponse): boolean {
  if ('stream' in response) return (response.stream as ServerHttp2Stream).destroyed
  return response.destroyed || request.socket.destroyed
}

/** Of whatever kind it is. */
export function outcomeOf(request: IncomingMessage, response: Response): Outcome {
  if ('stream' in response) {
    if (!(response.stream as ServerHttp2Stream).aborted) return 'complete'
    return response[brokenHere] ? 'server' : 'client'
  }
  if ('isLightMyRequest' in response) return ofInject(request, response)
  return outcomeOfHttp1(request, response)
}

/** Of one that Node's http server answers. */
export function outcomeOfHttp1(request: IncomingMessage, response: ServerResponse): Outcome {
  const socket = request.socket as Socket & Errored
  // Node says "finish" of a reply also when writing it has failed.
  if (response.writableFinished && !isOfNetwork(socket.errored)) return 'complete'
  return socket.readableEnded || isOfNetwork(socket.errored) ? 'client' : 'server'
}

interface Errored {
  errored?: NodeJS.ErrnoException | null
}

/** An aborted signal destroys the request; the response is not flushed anywhere. */
function ofInject(request: IncomingMessage, response: ServerResponse): Outcome {
  if (request.destroyed) return 'client'
  return response.writableEnded ? 'complete' : 'server'
}

/** A failed system call is the connection's, whereas a server destroys a socket without an error or with one of its own. */
function isOfNetwork(error: NodeJS.ErrnoException | null | undefined): boolean {
  return error?.syscall !== undefined
}
