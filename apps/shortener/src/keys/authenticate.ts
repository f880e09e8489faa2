import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Queryable } from '../database/database.js'
import { UnauthorizedError } from '../errors.js'
import { findKey } from './repository.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The key that the request came with; 0 on routes that ask for none. */
    apiKeyId: number
  }
}

/** An onRequest hook that lets in requests with `Authorization: Bearer <a valid key>` (RFC 6750). */
export function authenticate(database: Queryable) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const key = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (!key) {
      reply.header('www-authenticate', 'Bearer')
      throw new UnauthorizedError('this needs an API key: Authorization: Bearer <key>')
    }
    const id = await findKey(database, key)
    if (id === undefined) {
      reply.header('www-authenticate', 'Bearer error="invalid_token"')
      throw new UnauthorizedError('the API key is not valid')
    }
    request.apiKeyId = id
  }
}
