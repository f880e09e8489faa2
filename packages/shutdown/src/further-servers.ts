import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'

/**
 * The servers that Fastify adds to its own where a name has several addresses, as `localhost` has 127.0.0.1 and ::1. It
 * shows their addresses alone (`app.addresses()`); they themselves are behind a symbol that has a name and no export.
 */
export function furtherServers(app: FastifyInstance): Server[] {
  const key = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.serverBindings')
  return key ? (app as unknown as Record<symbol, Server[]>)[key]! : []
}
