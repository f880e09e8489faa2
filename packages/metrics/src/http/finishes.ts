import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const followedBy: unique symbol = Symbol('steadfast.metrics.followed-by')

/** `_httpMessage` is what Node's http server answers on a connection just now. */
type Connection = Socket & { [followedBy]?: Finishes; _httpMessage?: ServerResponse | null }

/** Node sets it as its parser has read the request. */
type Upgradable = IncomingMessage & { upgrade?: boolean | null }

/** Where Node's http server tells of every reply that went out (diagnostics_channel, HTTP/1.1 alone). */
const channel = 'http.server.response.finish'

/**
 * Hears of the end of replies without a listener for each, which would cost more than all else that is done for a request: of
 * those that went out by Node's diagnostics channel, of those that were cut off by the end of their connection.
 */
export class Finishes {
  readonly #onFinish: (message: unknown) => void
  readonly #onLost: (this: Connection) => void
  #isListening = false

  /** @param onEnd also called for replies that nobody has asked for, and twice */
  constructor(onEnd: (response: ServerResponse) => void) {
    this.#onFinish = (message) => onEnd((message as { response: ServerResponse }).response)
    this.#onLost = function () {
      if (this._httpMessage) onEnd(this._httpMessage)
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

  /** @returns false if it will not hear of this one's end: of HTTP/2, an upgrade, inject, or a reply that is not in its turn */
  tell(request: IncomingMessage, response: ServerResponse): boolean {
    const socket: Connection = request.socket
    if (!this.#isListening || socket._httpMessage !== response || (request as Upgradable).upgrade) return false
    if (socket[followedBy] !== this) {
      socket[followedBy] = this
      socket.once('close', this.#onLost)
    }
    return true
  }
}
