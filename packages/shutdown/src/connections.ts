import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { Connection } from './connection.js'
import { InFlight } from './in-flight.js'

const connectionOf = Symbol('steadfast.shutdown.connection')

interface Carrier {
  [connectionOf]?: Connection
}

/**
 * The connections of an app's servers, and what is in flight on each. A request costs it two calls and no memory: what
 * notes it is kept for the next one.
 */
export class Connections {
  readonly all: Set<Connection> = new Set()
  /** Called when a connection has ended. */
  onEnd: (() => void) | undefined
  #isAnnouncing = false
  readonly #spare: InFlight[] = []
  readonly #onClose: (this: ServerResponse) => void

  constructor() {
    const connections = this
    this.#onClose = function () {
      const connection = carrier(this.req)?.[connectionOf]
      if (connection) connections.#end(connection, this)
    }
  }

  /** Follows a server, from its first connection if it does not listen yet. Every server is followed once. */
  follow(server: Server): void {
    server.prependListener('connection', (socket: Socket) => void this.#open(socket, server))
    server.prependListener('secureConnection', (socket: Socket) => this.#secure(socket, server))
    server.prependListener('session', (session: ServerHttp2Session) => this.#session(session))
    this.#goBefore(server)
    // A listener of ours alone would make Node take upgrades that nobody handles: it is added with somebody's.
    for (const event of ['upgrade', 'connect'] as const) {
      const upgraded = (raw: IncomingMessage) => this.#upgrade(raw, server)
      const add = (name: string | symbol) => {
        if (name !== event) return
        server.off('newListener', add)
        server.prependListener(event, upgraded)
      }
      if (server.listenerCount(event) > 0) add(event)
      else server.on('newListener', add)
    }
  }

  /** Keeps a request with what is in flight of it. */
  name(request: FastifyRequest): void {
    for (const entry of carrier(request.raw)?.[connectionOf]?.inFlight ?? []) {
      if (entry.raw === request.raw) entry.request = request
    }
  }

  /** From now on every answer says `Connection: close`, those to requests in flight too if their headers are not out. */
  announceClose(): void {
    this.#isAnnouncing = true
    for (const connection of this.all) announce(connection)
  }

  *inFlight(): Generator<InFlight> {
    for (const { inFlight } of this.all) yield* inFlight
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
      only.call(server, raw, response)
    })
  }

  #open(socket: Socket, server: Server): Connection {
    const connection = new Connection(socket, server)
    ;(socket as Carrier)[connectionOf] = connection
    this.all.add(connection)
    socket.once('close', () => {
      if (this.all.delete(connection)) this.onEnd?.()
    })
    return connection
  }

  /** One that came before its server was followed: it shows with its first request. */
  #adopt(raw: IncomingMessage, server: Server): Connection {
    const connection = this.#open(raw.socket, server)
    const owner = carrier(raw)
    if (owner !== raw.socket) this.#session(owner as ServerHttp2Session)
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

  #begin(raw: IncomingMessage, response: ServerResponse, server: Server): void {
    const connection = carrier(raw)?.[connectionOf] ?? this.#adopt(raw, server)
    const entry = this.#spare.pop() ?? new InFlight()
    entry.start(raw, response)
    connection.inFlight.push(entry)
    connection.hasServed = true
    // An HTTP/2 answer no longer knows its session once it is closed.
    if (connection.session) response.on('close', () => this.#end(connection, response))
    else response.on('close', this.#onClose)
    if (this.#isAnnouncing) announce(connection)
  }

  #upgrade(raw: IncomingMessage, server: Server): void {
    const entry = new InFlight()
    entry.start(raw, undefined)
    const connection = carrier(raw)?.[connectionOf] ?? this.#adopt(raw, server)
    connection.inFlight.push(entry)
  }

  #end({ inFlight }: Connection, response: ServerResponse): void {
    for (let i = 0; i < inFlight.length; i++) {
      const entry = inFlight[i]!
      if (entry.response !== response) continue
      for (; i + 1 < inFlight.length; i++) inFlight[i] = inFlight[i + 1]!
      inFlight.pop()
      entry.clear()
      this.#spare.push(entry)
      return
    }
  }
}

/** What is one per connection: the socket in HTTP/1, the session in HTTP/2. */
function carrier(raw: IncomingMessage): Carrier | undefined {
  const { stream } = raw as { stream?: { session?: Carrier } }
  return stream ? stream.session : (raw.socket as Carrier)
}

/** Of pipelined requests the last says it, or those behind the first would never be answered. */
function announce({ session, inFlight }: Connection): void {
  if (session) return
  for (let i = 0; i < inFlight.length; i++) {
    const { response } = inFlight[i]!
    if (!response || response.headersSent) continue
    if (i === inFlight.length - 1) response.setHeader('connection', 'close')
    else response.removeHeader('connection')
  }
}
