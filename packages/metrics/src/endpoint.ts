import type { FastifyInstance } from 'fastify'
import { ForbiddenError, UnauthorizedError } from './errors.js'
import { negotiate } from './negotiate.js'
import type { ResolvedEndpoint } from './options.js'
import type { Scraper } from './scrape.js'

/** A route of the app, which is no traffic. */
export function addEndpoint(app: FastifyInstance, { path, gate }: ResolvedEndpoint, scraper: Scraper): void {
  app.get(path, {
    exposeHeadRoute: false,
    // Prometheus asks every few seconds: no line in the access log for each.
    logLevel: 'warn',
    config: { steadfast: { probe: true } } as object,
    async handler(request, reply) {
      const passed = gate(request)
      if (passed === 'forbidden') throw new ForbiddenError()
      if (passed === 'unauthorized') {
        reply.header('www-authenticate', 'Bearer')
        throw new UnauthorizedError()
      }
      const { contentType, body } = await scraper.scrape(negotiate(request.headers.accept))
      return reply.headers({ 'content-type': contentType, vary: 'accept' }).send(body)
    },
  })
}
