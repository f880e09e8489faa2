import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitFor } from './wait-for.js'

/** What the receiver does with one request. */
export interface Answer {
  /** Default 200. */
  status?: number
  headers?: Record<string, string>
  /** Text as it is; anything else as JSON. Default empty. */
  body?: unknown
  /** Wait before answering. Default 0. */
  delayMs?: number
  /** `hang`: never answer. `reset`: cut the connection. `truncate`: cut it in the middle of the body. */
  fault?: 'hang' | 'reset' | 'truncate'
}

export interface Received {
  method: string
  /** Path and query. */
  url: string
  headers: IncomingHttpHeaders
  body: string
  /** When its body was complete, by performance.now(). */
  atMs: number
}

export interface Receiver {
  /** `http://127.0.0.1:…`, without a slash at the end. */
  readonly url: string
  /** All requests so far, in the order in which their bodies were complete. */
  readonly received: Received[]
  /** Replaces the script: the next request gets the first answer. */
  script(answers: Answer[] | ((request: Received) => Answer)): void
  /** Waits until `count` requests have come. */
  whenReceived(count: number, timeoutMs?: number): Promise<Received[]>
  /** Cuts all connections and closes. */
  release(): Promise<void>
}

/**
 * An HTTP server that stands for a third party: it notes every request and answers from a script. Each answer serves one
 * request; the last one serves all that follow. Without a script all get 200.
 */
export async function startReceiver(answers: Answer[] | ((request: Received) => Answer) = []): Promise<Receiver> {
  let next = typeof answers === 'function' ? answers : [...answers]
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    request.setEncoding('utf8')
    try {
      for await (const chunk of request) body += chunk
    } catch {
      return // the client gave up
    }
    const { method = '', url = '', headers } = request
    const noted: Received = { method, url, headers, body, atMs: performance.now() }
    received.push(noted)
    reply(response, typeof next === 'function' ? next(noted) : ((next.length > 1 ? next.shift() : next[0]) ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    script(answers) {
      next = typeof answers === 'function' ? answers : [...answers]
    },
    async whenReceived(count, timeoutMs = 60_000) {
      await waitFor(() => received.length >= count, { timeoutMs, what: `request ${count} of the receiver` })
      return received
    },
    async release() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function reply(response: ServerResponse, { status = 200, headers = {}, body = '', delayMs = 0, fault }: Answer): void {
  if (fault === 'hang') return
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/plain' : 'application/json'
  const timer = setTimeout(() => {
    if (fault === 'reset') return response.socket?.resetAndDestroy()
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), ...headers })
    if (fault !== 'truncate') return response.end(text)
    response.write(text.slice(0, text.length / 2), () => response.socket?.destroy())
  }, delayMs)
  response.once('close', () => clearTimeout(timer))
}
