import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { Database } from '../database/database.js'
import { authenticate } from '../keys/authenticate.js'
import { createLink } from './repository.js'
import { targetParser } from './target.js'

const NewLink = Type.Object({ url: Type.String() }, { additionalProperties: false })

const Link = Type.Object({
  code: Type.String(),
  shortUrl: Type.String(),
  url: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
})

export const linkRoutes: FastifyPluginAsyncTypebox<{ database: Database; baseUrl: string }> = async (app, options) => {
  const { database, baseUrl } = options
  const parseTarget = targetParser(baseUrl)
  app.decorateRequest('apiKeyId', 0)
  app.addHook('onRequest', authenticate(database))

  app.post('/links', { schema: { body: NewLink, response: { 201: Link } } }, async (request, reply) => {
    const url = parseTarget(request.body.url)
    const link = await createLink(database, { url, apiKeyId: request.apiKeyId })
    const shortUrl = `${baseUrl}/${link.code}`
    reply.code(201).header('location', shortUrl)
    return { code: link.code, shortUrl, url: link.url, createdAt: link.createdAt.toISOString() }
  })
}
