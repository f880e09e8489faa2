import type { ServerResponse } from 'node:http'
import { type Server, Server as TcpServer } from 'node:net'
import type { Connection } from './connection.js'
import type { Connections } from './connections.js'
import { endEventStream, isEventStream } from './event-stream.js'
import type { ConnectionsReport } from './report.js'
import type { WebSockets } from './web-sockets.js'

/** How long the client of a WebSocket has to answer that it goes, and that of an event stream to read its end. */
const closingHandshakeMs = 5_000

const mostTurns = 20

interface DrainOptions {
  idleSweepMs: number
  preRequestGraceMs: number
}

/**
 * Closes the servers of an app, and its connections as they become free. The routes go on answering what still comes on
 * them. A connection ends on its own after an answer with `Connection: close`; the others are looked at every idleSweepMs.
 */
export class HttpDrain {
  readonly counts: ConnectionsReport = { idle: 0, silent: 0, sessions: 0, webSockets: 0, eventStreams: 0 }
  readonly #connections: Connections
  readonly #webSockets: WebSockets
  readonly #options: DrainOptions
  readonly #endedStreams = new Set<ServerResponse>()
  #startMs = 0
  #sweep: NodeJS.Timeout | undefined
  #isCut = false

  constructor(connections: Connections, webSockets: WebSockets, options: DrainOptions) {
    this.#connections = connections
    this.#webSockets = webSockets
    this.#options = options
  }

  /** Resolves once all connections have ended. The first server is Fastify's own, the others those of further addresses. */
  async run([main, ...others]: Server[]): Promise<void> {
    this.#startMs = performance.now()
    this.#look()
    this.#sweep = setInterval(() => this.#look(), this.#options.idleSweepMs)
    // Fastify closes the others, idle connections and all, when the main one has closed: so that is the last.
    await this.#untilAccepted()
    for (const server of others) stopListening(server)
    const all = this.#connections.all
    if (others.length > 0) await this.#until(() => ![...all].some(({ server }) => server !== main))
    if (main) stopListening(main)
    await this.#until(() => all.size === 0)
    clearInterval(this.#sweep)
  }

  /** Ends every connection, whatever is in flight. */
  cut(): void {
    this.#isCut = true
    for (const connection of this.#connections.all) connection.destroy()
  }

  /** What has connected meanwhile is accepted, and not reset: until a turn of the event loop passes without. */
  async #untilAccepted(): Promise<void> {
    for (let turns = 0, before = -1; turns < mostTurns && before !== this.#connections.accepted; turns++) {
      before = this.#connections.accepted
      await new Promise(setImmediate)
    }
  }

  #until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#connections.onEnd = () => {
        if (isMet()) resolve()
      }
      this.#connections.onEnd()
    })
  }

  #look(): void {
    const nowMs = performance.now()
    this.counts.webSockets += this.#webSockets.close()
    if (nowMs - this.#startMs >= closingHandshakeMs) {
      this.#webSockets.terminate()
      for (const response of this.#endedStreams) response.destroy() // its client reads nothing; no harm if it has ended
    }
    for (const { response } of this.#connections.inFlight()) {
      if (!response || !isEventStream(response)) continue
      this.counts.eventStreams++
      this.#endedStreams.add(response)
      endEventStream(response)
    }
    for (const connection of this.#connections.all) {
      if (this.#isCut)
        connection.destroy() // it was accepted in the last moment
      else this.#judge(connection, nowMs)
    }
  }

  #judge(connection: Connection, nowMs: number): void {
    const graceMs = this.#options.preRequestGraceMs
    const verdict = connection.look({ nowMs, closingSinceMs: this.#startMs, graceMs })
    if (verdict === 'idle') {
      if (!connection.isEnding) this.counts.idle++
      connection.close()
    } else if (verdict === 'silent') {
      this.counts.silent++
      connection.destroy()
    } else if (verdict === 'session') {
      this.counts.sessions++
      connection.session?.close() // GOAWAY; what is in flight on it goes on
    }
  }
}

/** Without what http.Server's close() does on top: it resets connections that are idle just now, and may be written to. */
function stopListening(server: Server): void {
  if (server.listening && server instanceof TcpServer) TcpServer.prototype.close.call(server)
}
