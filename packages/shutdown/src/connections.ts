import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { Connection } from './connection.js'
import type { InFlight } from './in-flight.js'

const connectionOf = Symbol('steadfast.shutdown.connection')

interface Carrier {
  [connectionOf]?: Connection
}

/** How exact the age of a request is: looking at the clock for each would cost memory. */
const clockMs = 500

/** The connections of an app's servers. A request costs one call, and no memory. */
export class Connections {
  readonly all: Set<Connection> = new Set()
  /** How many there were. */
  accepted = 0
  /** Called when a connection has ended. */
  onEnd: (() => void) | undefined
  #isAnnouncing = false
  #nowMs = wholeMs()
  #clock: NodeJS.Timeout | undefined

  /** Follows a server, from its first connection if it does not listen yet. Every server is followed once. */
  follow(server: Server): void {
    server.prependListener('connection', (socket: Socket) => void this.#open(socket, server))
    server.prependListener('secureConnection', (socket: Socket) => this.#secure(socket, server))
    server.prependListener('session', (session: ServerHttp2Session) => this.#session(session))
    this.#goBefore(server)
    // A listener of ours alone would make Node take upgrades that nobody handles: it is added with somebody's.
    for (const event of ['upgrade', 'connect'] as const) {
      const add = (name: string | symbol) => {
        if (name !== event) return
        server.off('newListener', add)
        server.prependListener(event, (raw) => this.#connectionOf(raw, server).begin(raw, undefined, this.#nowMs))
      }
      if (server.listenerCount(event) > 0) add(event)
      else server.on('newListener', add)
    }
  }

  startClock(): void {
    this.#clock = setInterval(() => {
      this.#nowMs = wholeMs()
    }, clockMs).unref()
  }

  stopClock(): void {
    clearInterval(this.#clock)
  }

  /** From now on every answer says `Connection: close`, those to requests in flight too if their headers are not out. */
  announceClose(): void {
    this.#isAnnouncing = true
    for (const connection of this.all) connection.announceClose()
  }

  inFlight(): InFlight[] {
    return [...this.all].flatMap((connection) => connection.inFlight())
  }

  /**
   * Has the beginning of a request noted before the app sees it. Where Fastify alone listens, by taking its place: of several
   * listeners Node makes a list anew for each request.
   */
  #goBefore(server: Server): void {
    type Listener = (raw: IncomingMessage, response: ServerResponse) => void
    const [only, ...others] = server.listeners('request') as Listener[]
    if (!only || others.length > 0) {
      server.prependListener('request', (raw, response) => this.#begin(raw, response, server))
      return
    }
    server.off('request', only)
    server.on('request', (raw, response) => {
      this.#begin(raw, response, server)
      // Of pipelined requests the last is to say that it is the last: all that have come are noted before one is answered.
      if (this.#isAnnouncing) setImmediate(() => only.call(server, raw, response))
      else only.call(server, raw, response)
    })
  }

  #begin(raw: IncomingMessage, response: ServerResponse, server: Server): void {
    const connection = this.#connectionOf(raw, server)
    connection.begin(raw, response, this.#nowMs)
    if (connection.session || !response.socket) endWith(connection, response)
    if (this.#isAnnouncing) connection.announceClose()
  }

  #open(socket: Socket, server: Server): Connection {
    const connection = new Connection(socket, server)
    ;(socket as Carrier)[connectionOf] = connection
    this.all.add(connection)
    this.accepted++
    socket.once('close', () => {
      if (this.all.delete(connection)) this.onEnd?.()
    })
    return connection
  }

  /** TLS goes on on a socket of its own, over the one that was accepted. */
  #secure(socket: Socket, server: Server): void {
    const { _parent: accepted } = socket as { _parent?: Carrier }
    const connection = accepted?.[connectionOf] ?? this.#open(socket, server)
    connection.socket = socket
    ;(socket as Carrier)[connectionOf] = connection
  }

  #session(session: ServerHttp2Session): void {
    const connection = (session.socket as Carrier)[connectionOf]
    if (!connection) return
    connection.session = session
    ;(session as Carrier)[connectionOf] = connection
  }

  #connectionOf(raw: IncomingMessage, server: Server): Connection {
    return carrier(raw)?.[connectionOf] ?? this.#adopt(raw, server)
  }

  /** One that came before its server was followed: it shows with its first request. */
  #adopt(raw: IncomingMessage, server: Server): Connection {
    const connection = this.#open(raw.socket, server)
    const owner = carrier(raw)
    if (owner !== raw.socket) this.#session(owner as ServerHttp2Session)
    return connection
  }
}

/** What is one per connection: the socket in HTTP/1, the session in HTTP/2. */
function carrier(raw: IncomingMessage): Carrier | undefined {
  const { stream } = raw as { stream?: { session?: Carrier } }
  return stream ? stream.session : (raw.socket as Carrier)
}

/** An answer no longer knows its connection once it is closed. Apart, for what a closure keeps is made at once. */
function endWith(connection: Connection, response: ServerResponse): void {
  response.on('close', () => connection.end(response))
}

/** A number that needs no memory of its own. It wraps after 24 days. */
export function wholeMs(): number {
  return performance.now() | 0
}
