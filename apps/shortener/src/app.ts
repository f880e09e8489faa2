import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Logger } from 'pino'
import type { Config } from './config.js'
import type { Database } from './database/database.js'
import { DatabaseUnavailableError } from './errors.js'
import { linkRoutes } from './links/routes.js'
import { redirectRoutes } from './redirect/routes.js'

/** The shortener as a Fastify app, ready to listen. Who opened the database closes it, after the app. */
export function buildApp(config: Config, database: Database, log: Logger): FastifyInstance {
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    trustProxy: config.TRUST_PROXY ?? false,
    bodyLimit: 16_384,
    // A client learns of a misspelt field or a wrong type, instead of having it dropped or converted.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  })
  app.setErrorHandler(answerError)
  app.decorateRequest('apiKeyId', 0)
  app.register(linkRoutes, { prefix: '/api/v1', database, baseUrl: config.BASE_URL })
  app.register(redirectRoutes, { database })
  return app
}

function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode = 500 } = error
  if (statusCode < 500) return void reply.send(error)
  // The database tells the log itself, once, when it goes away.
  if (error instanceof DatabaseUnavailableError) return void reply.header('retry-after', '1').send(error)
  // What else goes wrong in here is for the log alone.
  request.log.error(error)
  reply.code(500).send({ statusCode: 500, error: 'Internal Server Error', message: 'Internal Server Error' })
}
