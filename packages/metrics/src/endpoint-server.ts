import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { ForbiddenError, ListenError, UnauthorizedError } from './errors.js'
import { negotiate } from './negotiate.js'
import type { ResolvedEndpoint } from './options.js'
import type { Scraper } from './scrape.js'

/**
 * A server for the metrics alone.
 * @throws ERR_METRICS_LISTEN
 */
export async function startEndpointServer(
  endpoint: ResolvedEndpoint,
  { port, host }: { port: number; host: string | undefined },
  scraper: Scraper,
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(endpoint, scraper, request, response).catch((error: Error) => response.destroy(error))
  })
  server.listen({ port, host })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new ListenError(port, (error as Error).message)
  }
  return server.unref()
}

export async function stopEndpointServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

async function answer(
  { path, gate }: ResolvedEndpoint,
  scraper: Scraper,
  { url, method, headers, socket }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (url?.split('?', 1)[0] !== path) return refuse(response, 404)
  if (method !== 'GET') return refuse(response, 405, { allow: 'GET' })
  const passed = gate({ headers, ip: socket.remoteAddress ?? '' })
  if (passed === 'forbidden') return refuse(response, 403, {}, new ForbiddenError())
  if (passed === 'unauthorized') {
    return refuse(response, 401, { 'www-authenticate': 'Bearer' }, new UnauthorizedError())
  }
  const { contentType, body } = await scraper.scrape(negotiate(headers.accept))
  response.writeHead(200, { 'content-type': contentType, vary: 'accept', 'content-length': body.length }).end(body)
}

function refuse(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  error?: { code: string; message: string },
): void {
  const body = error ? JSON.stringify({ statusCode: status, code: error.code, message: error.message }) : ''
  const type = error ? { 'content-type': 'application/json; charset=utf-8' } : {}
  response.writeHead(status, { ...headers, ...type, 'content-length': Buffer.byteLength(body) }).end(body)
}
