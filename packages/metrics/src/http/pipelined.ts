import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Requests that wait behind another on their connection (HTTP/1.1 pipelining). Node tells their responses nothing when the
 * connection is lost, only the one whose turn it is.
 */
export class Pipelined {
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()
  readonly #onLost: (response: ServerResponse) => void
  /** Few clients pipeline, and the others need not pay for them. */
  isUsed = false

  constructor(onLost: (response: ServerResponse) => void) {
    this.#onLost = onLost
  }

  add(socket: Socket, response: ServerResponse): void {
    this.isUsed = true
    const waiting = this.#waiting.get(socket)
    if (waiting) {
      waiting.add(response)
      return
    }
    const first = new Set([response])
    this.#waiting.set(socket, first)
    socket.once('close', () => first.forEach(this.#onLost))
  }

  /** Once it has ended. */
  remove(socket: Socket, response: ServerResponse): void {
    this.#waiting.get(socket)?.delete(response)
  }
}
