import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Server, Socket } from 'node:net'
import type { InFlight } from './in-flight.js'

/** What a look at a connection of a closing server says. */
export type Verdict = 'leave' | 'idle' | 'silent' | 'session'

/** When a connection is looked at, on the clock of performance.now(). */
export interface Look {
  nowMs: number
  /** Since when the server closes. */
  closingSinceMs: number
  /** How long it may take to send a request, from there on or from its own beginning. */
  graceMs: number
}

/** A socket, while a request on it is answered. */
type Answering = Socket & { _httpMessage?: ServerResponse | null }

/** What is known of one connection. */
export class Connection {
  socket: Socket
  /** Which accepted it. */
  readonly server: Server
  session: ServerHttp2Session | undefined
  /** Whether a request came on it, ever. */
  #hasServed = false
  /** Whether it was told to end once all that was written is sent. */
  isEnding = false
  readonly #openedMs = performance.now()
  /** What it had read when it was first seen idle, and when that was; -1 while it is not. */
  #idleAtBytes = -1
  #idleSinceMs = 0
  /** When the request came that is being answered. */
  #startedMs = 0
  /**
   * What Node does not tell of a connection: pipelined requests that wait for their turn, streams of HTTP/2, and upgrades. In
   * the order in which they came.
   */
  #noted: InFlight[] = []

  constructor(socket: Socket, server: Server) {
    this.socket = socket
    this.server = server
  }

  /** Keeps nothing of a request in its turn: to hold on to each until the next would cost more than all else. */
  begin(raw: IncomingMessage, response: ServerResponse | undefined, nowMs: number): void {
    this.#hasServed = true
    if (!this.session && response?.socket) this.#startedMs = nowMs
    else this.#noted.push({ raw, response, startedMs: nowMs })
  }

  /** Lets go of an answer that has not been the connection's only one. */
  end(response: ServerResponse): void {
    this.#noted = this.#noted.filter((entry) => entry.response !== response)
  }

  /** What is in flight, in the order in which it came. */
  inFlight(): InFlight[] {
    // What Node's own http server goes by; its close() leaves alone what has one.
    const { _httpMessage: response } = this.socket as Answering
    if (this.session || !response || this.#noted.some((entry) => entry.response === response)) return this.#noted
    return [{ raw: response.req, response, startedMs: this.#startedMs }, ...this.#noted]
  }

  /**
   * Has its answers say `Connection: close`, as far as their headers are not out. Of pipelined requests the last says it, or
   * those behind the first would never be answered.
   */
  announceClose(): void {
    if (this.session) return
    const entries = this.inFlight()
    for (const [i, { response }] of entries.entries()) {
      if (!response || response.headersSent) continue
      if (i === entries.length - 1) response.setHeader('connection', 'close')
      else response.removeHeader('connection')
    }
  }

  /**
   * Looks at it while the server closes, again and again. A kept connection that is idle at two looks, and has read nothing in
   * between, is 'idle'. One that has sent nothing, or what is no request yet, is 'silent' once its grace is over.
   */
  look({ nowMs, closingSinceMs, graceMs }: Look): Verdict {
    const isGraceOver = nowMs - Math.max(closingSinceMs, this.#openedMs) >= graceMs
    if (this.inFlight().length > 0) {
      this.#idleAtBytes = -1
      return this.session && !this.session.closed ? 'session' : 'leave'
    }
    if (this.session) {
      if (this.session.closed) return isGraceOver ? 'silent' : 'leave'
      return this.#hasServed || isGraceOver ? 'session' : 'leave'
    }
    const { bytesRead } = this.socket
    if (!this.#hasServed) return isGraceOver ? 'silent' : 'leave'
    if (this.#idleAtBytes === bytesRead) return 'idle'
    if (this.#idleAtBytes < 0) {
      this.#idleAtBytes = bytesRead
      this.#idleSinceMs = nowMs
    }
    return nowMs - this.#idleSinceMs >= graceMs ? 'silent' : 'leave'
  }

  /** Ends it once all that was written is sent, if it can be sent. */
  close(): void {
    if (this.isEnding) this.destroy()
    else this.socket.destroySoon()
    this.isEnding = true
  }

  destroy(): void {
    if (this.session && !this.session.destroyed) this.session.destroy()
    else this.socket.destroy()
  }
}
