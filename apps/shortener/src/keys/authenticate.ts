import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Queryable } from '../database/database.js'
import { ForbiddenError, UnauthorizedError } from '../errors.js'
import type { Access } from '../links/repository.js'
import { type ApiKey, findKey, type Scope } from './repository.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The key that the request came with, on routes that ask for one. */
    apiKey: ApiKey
  }
}

/** An onRequest hook that lets in requests with `Authorization: Bearer <a valid key>` (RFC 6750). */
export function authenticate(database: Queryable) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const text = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (!text) {
      reply.header('www-authenticate', 'Bearer')
      throw new UnauthorizedError('this needs an API key: Authorization: Bearer <key>')
    }
    const key = await findKey(database, text)
    if (!key) {
      reply.header('www-authenticate', 'Bearer error="invalid_token"')
      throw new UnauthorizedError('the API key is not valid')
    }
    request.apiKey = key
  }
}

/** An onRequest hook, after that one: the key must have the scope. `admin` has the others in it. */
export function needs(scope: Scope) {
  return async ({ apiKey }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (apiKey.scopes.includes(scope) || apiKey.scopes.includes('admin')) return
    reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`)
    throw new ForbiddenError(scope)
  }
}

export function accessOf({ apiKey }: FastifyRequest): Access {
  return { apiKeyId: apiKey.id, owner: apiKey.owner, isAdmin: apiKey.scopes.includes('admin') }
}
