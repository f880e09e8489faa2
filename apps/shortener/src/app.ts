import { STATUS_CODES } from 'node:http'
import health from '@steadfast/health'
import metrics from '@steadfast/metrics'
import shutdown from '@steadfast/shutdown'
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

const bodyLimitBytes = 16_384

/** The shortener as a Fastify app, ready to listen. Who opened the database closes it, after the app. */
export function buildApp(config: Config, database: Database, log: Logger): FastifyInstance {
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    trustProxy: config.TRUST_PROXY ?? false,
    bodyLimit: bodyLimitBytes,
    // Longer than any request line: what can't be a code is not found, however long it is.
    routerOptions: { maxParamLength: 65_536 },
    // A client learns of a misspelt field or a wrong type, instead of having it dropped or converted.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  })
  app.register(shutdown) // first, so that it closes last
  app.removeContentTypeParser('text/plain') // 415, not "body must be object"
  app.setErrorHandler(answerError)
  app.register(health, { checks: { database: database.check } })
  app.register(metrics)
  app.register(linkRoutes, { prefix: '/api/v1', database, baseUrl: config.BASE_URL })
  app.register(redirectRoutes, { database })
  return app
}

/** Answers with the code and the message of an error that is meant for the client; any other is for the log alone. */
function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { code, message, statusCode = 500 } = error
  const isAway = error instanceof DatabaseUnavailableError // which is in the log already, once
  if (isAway) reply.header('retry-after', '1')
  if (isAway || statusCode < 500) {
    reply.code(statusCode).send({ statusCode, code, error: STATUS_CODES[statusCode], message })
    return
  }
  request.log.error(error)
  reply.code(500).send({ statusCode: 500, error: STATUS_CODES[500], message: STATUS_CODES[500] })
}
