import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Database } from '../database/database.js'
import { LinkNotFoundError } from '../errors.js'
import { isCode } from '../links/code.js'
import { findTarget } from '../links/repository.js'

/** `GET /:code`; Fastify answers `HEAD` from it. */
export const redirectRoutes: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get('/:code', { schema: { params: Type.Object({ code: Type.String() }) } }, async (request, reply) => {
    const { code } = request.params
    const target = isCode(code) ? await findTarget(database, code) : undefined
    // Neither answer may be kept: a target can change, and a code can come to be.
    reply.header('cache-control', 'private, no-store')
    if (target === undefined) throw new LinkNotFoundError()
    return reply.redirect(target, 302)
  })
}
