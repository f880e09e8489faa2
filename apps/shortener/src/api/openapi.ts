import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from './problems.js'

/** The OpenAPI document of all routes that are registered after it, at /docs/json, and pages made of it at /docs. */
export const openapi = fp(async (app: FastifyInstance, { baseUrl }: { baseUrl: string }) => {
  app.addSchema(Problem)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'The shortener',
        version: '1',
        description:
          'Errors are problem details (RFC 9457) with a stable `code`; docs/error-codes.md explains each. Any request may be answered 429, with Retry-After, if there were too many.',
      },
      servers: [{ url: baseUrl }],
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key' } } },
      security: [{ key: [] }],
      tags: [
        { name: 'links', description: 'Make, find, change and delete links' },
        { name: 'keys', description: 'API keys, for those with the scope admin' },
        { name: 'dead letters', description: 'Clicks that could not be counted, for those with the scope admin' },
        { name: 'redirect', description: 'What people who follow a link meet' },
      ],
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, index) => `${schema.$id ?? `schema-${index}`}` },
  })
  const staticCSP =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
  const uiConfig = { validatorUrl: null } // which would tell others of us
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP, uiConfig })
})
