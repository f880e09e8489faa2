import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Who waits, on a connection, behind requests that came before on it. */
const behind = new WeakMap<Socket, Set<() => void>>()

/**
 * Whether the client has gone. Node says so of the answer that a connection is at, but not of those behind it (pipelined requests):
 * they are never closed, so the connection is asked.
 */
export function hasGone(request: FastifyRequest, { raw }: FastifyReply): boolean {
  return raw.destroyed || (!raw.socket && request.raw.socket?.destroyed === true)
}

/**
 * Calls once the client has gone, or has been answered.
 * @returns the way not to be called
 */
export function onceGone(request: FastifyRequest, { raw }: FastifyReply, leave: () => void): () => void {
  const { socket } = request.raw
  const others = raw.socket || !socket ? undefined : onConnection(socket)
  const stop = () => {
    raw.off('close', end)
    others?.delete(end)
  }
  const end = () => {
    stop()
    leave()
  }
  raw.on('close', end)
  others?.add(end)
  return stop
}

/** One listener for all of a connection: there may be any number behind each other. */
function onConnection(socket: Socket): Set<() => void> {
  const known = behind.get(socket)
  if (known) return known
  const all = new Set<() => void>()
  behind.set(socket, all)
  socket.once('close', () => {
    for (const end of all) end()
  })
  return all
}
