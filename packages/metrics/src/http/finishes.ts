import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Turn } from './turn.js'

const ownTurn: unique symbol = Symbol('steadfast.metrics.turn')

/** `_httpMessage` is what Node's http server answers on a connection just now. */
type Connection = Socket & { [ownTurn]?: Turn; _httpMessage?: ServerResponse | null }

/** Node sets it as its parser has read the request. */
type Upgradable = IncomingMessage & { upgrade?: boolean | null }

type Finish = { socket: Connection; response: ServerResponse }

/** Where Node's http server tells of every reply that went out (diagnostics_channel, HTTP/1.1 alone). */
const channel = 'http.server.response.finish'

/**
 * Hears of the end of replies without a listener for each, which would cost more than all else that is done for a request: of
 * those that went out by Node's diagnostics channel, of those that were cut off by the end of their connection.
 */
export class Finishes {
  readonly #onFinish: (message: unknown) => void
  readonly #onEnd: (turn: Turn) => void
  #isListening = false

  /** @param onEnd also called for a turn that is over */
  constructor(onEnd: (turn: Turn) => void) {
    this.#onEnd = onEnd
    this.#onFinish = (message) => {
      const { socket, response } = message as Finish
      const turn = socket[ownTurn]
      if (turn?.response === response && turn.followedBy === this) onEnd(turn)
    }
  }

  start(): void {
    subscribe(channel, this.#onFinish)
    this.#isListening = true
  }

  stop(): void {
    unsubscribe(channel, this.#onFinish)
    this.#isListening = false
  }

  /**
   * The turn of the connection that the request has come by.
   * @returns undefined if its end will not be heard of: of HTTP/2, an upgrade, inject, or a reply that is not in its turn
   */
  turnFor(request: IncomingMessage, response: ServerResponse): Turn | undefined {
    const socket: Connection = request.socket
    if (!this.#isListening || socket._httpMessage !== response || (request as Upgradable).upgrade) return undefined
    const turn = socket[ownTurn]
    return turn?.followedBy === this ? turn : this.#follow(socket)
  }

  #follow(socket: Connection): Turn {
    const turn = new Turn(this)
    socket[ownTurn] = turn
    socket.once('close', () => this.#onEnd(turn))
    return turn
  }
}

/** The turn of a connection, if it is that of this response. */
export function turnOfConnection(request: IncomingMessage, response: ServerResponse): Turn | undefined {
  const turn = (request.socket as Connection)[ownTurn]
  return turn?.response === response ? turn : undefined
}
