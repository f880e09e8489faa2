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

/** What a request gives as its key, by `Authorization: Bearer <key>` (RFC 6750). */
export function presentedKey({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
}

/** An onRequest hook that finds out whose the key is; without a valid one the request has none, until `requireKey` refuses it. */
export function identify(database: Queryable) {
  return async (request: FastifyRequest): Promise<void> => {
    const text = presentedKey(request)
    const key = text === undefined ? undefined : await findKey(database, text)
    if (key) request.apiKey = key
  }
}

/** An onRequest hook, after that one, that lets in requests with a valid key alone. */
export async function requireKey(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (request.apiKey) return
  if (!presentedKey(request)) {
    reply.header('www-authenticate', 'Bearer')
    throw new UnauthorizedError('this needs an API key: Authorization: Bearer <key>')
  }
  reply.header('www-authenticate', 'Bearer error="invalid_token"')
  throw new UnauthorizedError('the API key is not valid')
}

/** An onRequest hook, after those: the key must have the scope. `admin` has the others in it. */
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
