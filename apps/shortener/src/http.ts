import { fastifyLogging, type SteadfastLogger } from '@steadfast/logging'
import Fastify, { type FastifyInstance } from 'fastify'
import { answerError, answerNotFound } from './api/problems.js'
import { validatorCompiler } from './api/validator.js'
import { requestIds } from './clicks/request-id.js'

const bodyLimitBytes = 16_384

/** A Fastify without routes: who is believed, what is taken, how errors are told. Addresses are in no line of its log. */
export function newServer({ TRUST_PROXY }: { TRUST_PROXY?: string[] }, log: SteadfastLogger): FastifyInstance {
  const app = Fastify({
    ...fastifyLogging(log, { accessLog: { ip: 'hash' } }),
    genReqId: requestIds(TRUST_PROXY),
    trustProxy: TRUST_PROXY ?? false,
    bodyLimit: bodyLimitBytes,
    // Longer than any request line: what can't be a code is not found, however long it is.
    routerOptions: { maxParamLength: 65_536 },
    frameworkErrors: answerError,
  })
  app.setValidatorCompiler(validatorCompiler)
  app.removeContentTypeParser('text/plain') // 415, not "body must be object"
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)
  return app
}
