/** What is called on a WebSocket of `ws`. */
interface WebSocketLike {
  readyState: number
  close(code: number, reason: string): void
  terminate(): void
}

/** `app.websocketServer` of @fastify/websocket. */
export interface WebSocketServerLike {
  clients: Iterable<WebSocketLike>
}

const open = 1

/** The WebSockets of an app, also where @fastify/websocket is registered in a part of it. */
export class WebSockets {
  readonly #servers = new Set<WebSocketServerLike>()

  /** Notes the WebSocket server of an instance, if it has one. */
  note(instance: object): void {
    const { websocketServer } = instance as { websocketServer?: WebSocketServerLike }
    if (websocketServer?.clients) this.#servers.add(websocketServer)
  }

  /** Tells every one that is open to go away (RFC 6455, 7.4.1: 1001); how many there were. */
  close(): number {
    let count = 0
    for (const client of this.#clients()) {
      if (client.readyState !== open) continue
      client.close(1001, 'the server is going away')
      count++
    }
    return count
  }

  /** Cuts those that have not answered. */
  terminate(): void {
    for (const client of this.#clients()) client.terminate()
  }

  *#clients(): Generator<WebSocketLike> {
    for (const server of this.#servers) yield* server.clients
  }
}
