import { type Server, Server as TcpServer } from 'node:net'
import type { Connection } from './connection.js'
import type { Connections } from './connections.js'
import { endEventStream, isEventStream } from './event-stream.js'
import type { ConnectionsReport } from './report.js'
import type { WebSockets } from './web-sockets.js'

/** How long a WebSocket's client has to answer that it goes. */
const closingHandshakeMs = 5_000

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
    await new Promise(setImmediate) // what has connected meanwhile is accepted now, and not reset
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

  #until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#connections.onEnd = () => {
        if (isMet()) resolve()
      }
      this.#connections.onEnd()
    })
  }

  #look(): void {
    const elapsedMs = performance.now() - this.#startMs
    this.counts.webSockets += this.#webSockets.close()
    if (elapsedMs >= closingHandshakeMs) this.#webSockets.terminate()
    for (const { response } of this.#connections.inFlight()) {
      if (!response || !isEventStream(response)) continue
      this.counts.eventStreams++
      endEventStream(response)
    }
    for (const connection of this.#connections.all) {
      // After the cut: it was accepted in the last moment.
      if (this.#isCut) connection.destroy()
      else this.#judge(connection, elapsedMs >= this.#options.preRequestGraceMs)
    }
  }

  #judge(connection: Connection, isGraceOver: boolean): void {
    const verdict = connection.look(isGraceOver)
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
