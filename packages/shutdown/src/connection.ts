import type { ServerHttp2Session } from 'node:http2'
import type { Server, Socket } from 'node:net'
import type { InFlight } from './in-flight.js'

/** What a look at a connection of a closing server says. */
export type Verdict = 'leave' | 'idle' | 'silent' | 'session'

/** What is known of one connection. */
export class Connection {
  socket: Socket
  /** Which accepted it. */
  readonly server: Server
  session: ServerHttp2Session | undefined
  readonly inFlight: InFlight[] = []
  /** Whether a request came on it, ever. */
  hasServed = false
  /** Whether it was told to end once all that was written is sent. */
  isEnding = false
  /** What it had read when it was first seen idle; -1 while it is not. */
  #idleAtBytes = -1

  constructor(socket: Socket, server: Server) {
    this.socket = socket
    this.server = server
  }

  /**
   * Looks at it while the server closes, again and again. A kept connection that is idle at two looks, and has read nothing in
   * between, is 'idle'. One that has sent nothing, or half a request, is 'silent' once its grace is over.
   */
  look(isGraceOver: boolean): Verdict {
    if (this.inFlight.length > 0) {
      this.#idleAtBytes = -1
      return this.session && !this.session.closed ? 'session' : 'leave'
    }
    if (this.session) {
      if (this.session.closed) return isGraceOver ? 'silent' : 'leave'
      return this.hasServed || isGraceOver ? 'session' : 'leave'
    }
    const { bytesRead } = this.socket
    if (this.hasServed && this.#idleAtBytes === bytesRead) return 'idle'
    if (this.hasServed && this.#idleAtBytes < 0) this.#idleAtBytes = bytesRead
    return isGraceOver ? 'silent' : 'leave'
  }

  /** Ends it once all that was written is sent, if it can be sent. */
  end(): void {
    if (this.isEnding) this.destroy()
    else this.socket.destroySoon()
    this.isEnding = true
  }

  destroy(): void {
    if (this.session && !this.session.destroyed) this.session.destroy()
    else this.socket.destroy()
  }
}
