import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import health from '@steadfast/health'
import metrics from '@steadfast/metrics'
import shutdown from '@steadfast/shutdown'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { openapi } from './api/openapi.js'
import { answerError, answerNotFound } from './api/problems.js'
import { validatorCompiler } from './api/validator.js'
import { clickCounter } from './clicks/counter.js'
import { statsRoutes } from './clicks/routes.js'
import type { Config } from './config.js'
import type { Database } from './database/database.js'
import { housekeeping } from './database/housekeeping.js'
import { authenticate } from './keys/authenticate.js'
import { keyRoutes } from './keys/routes.js'
import { bulkRoutes } from './links/bulk.js'
import { linkRoutes } from './links/routes.js'
import { targetParser } from './links/target.js'
import { redirectRoutes } from './redirect/routes.js'

const bodyLimitBytes = 16_384
const corsMaxAgeSeconds = 600

/** The shortener as a Fastify app, ready to listen. Who opened the database closes it, after the app. */
export function buildApp(config: Config, database: Database, log: Logger): FastifyInstance {
  const baseUrl = config.BASE_URL
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    trustProxy: config.TRUST_PROXY ?? false,
    bodyLimit: bodyLimitBytes,
    // Longer than any request line: what can't be a code is not found, however long it is.
    routerOptions: { maxParamLength: 65_536 },
    frameworkErrors: answerError,
  })
  app.setValidatorCompiler(validatorCompiler)
  app.removeContentTypeParser('text/plain') // 415, not "body must be object"
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)

  app.register(shutdown) // first, so that it closes last
  app.register(health, { checks: { database: database.check } })
  app.register(metrics)

  app.register(openapi, { baseUrl }) // before the routes that it documents
  const clicks = clickCounter(database, log, config.CLICK_EVENT_DAYS)
  app.register(clicks.plugin)
  app.register(housekeeping, { database })

  app.register(
    async (api) => {
      api.register(helmet, { strictTransportSecurity: { includeSubDomains: false } }) // they may be somebody else’s
      api.register(cors, {
        origin: config.CORS_ORIGINS ?? false,
        methods: ['GET', 'POST', 'PATCH', 'DELETE'],
        exposedHeaders: ['Location', 'Retry-After', 'Idempotent-Replayed'],
        maxAge: corsMaxAgeSeconds,
      })
      api.addHook('onRequest', authenticate(database))
      const parseTarget = targetParser(baseUrl, config.PRIVATE_TARGETS)
      api.register(linkRoutes, { database, baseUrl, parseTarget })
      api.register(bulkRoutes, { database, baseUrl, parseTarget })
      api.register(statsRoutes, { database })
      api.register(keyRoutes, { database })
    },
    { prefix: '/api/v1' },
  )
  app.register(redirectRoutes, { database, countClick: clicks.count })
  return app
}
