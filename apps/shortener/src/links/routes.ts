import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { preHandlerHookHandler } from 'fastify'
import Type from 'typebox'
import { answerOnce } from '../api/idempotency.js'
import { problems } from '../api/problems.js'
import type { Database } from '../database/database.js'
import { AliasTakenError, LinkNotFoundError } from '../errors.js'
import { accessOf, needs } from '../keys/authenticate.js'
import { changed } from './change.js'
import { answerOf, linkToCreate } from './link.js'
import { listLinks } from './list.js'
import { createLinks, deleteLink, findLink, updateLink } from './repository.js'
import { CodeParams, LinkAnswer, LinkChanges, LinkPage, NewLink, PageQuery, RepeatHeaders } from './schemas.js'

export interface LinkRoutesOptions {
  database: Database
  baseUrl: string
  /** Checks and normalises a target. */
  parseTarget: (text: string) => string
  /** Has redirects forget what they knew of links; they are right once it resolves. */
  forget: (codes: readonly string[]) => Promise<void>
  /** Refuses who makes too many links. */
  limitCreates: preHandlerHookHandler
}

const denied = { 401: 'No valid key', 403: 'The key lacks the scope', 503: 'The database is away' }
const badBody = { 400: 'Not as documented, or a target that is refused', 413: 'Longer than 16 KiB', 415: 'Not JSON' }
const notFound = { 404: 'No such link, or another owner’s' }

export const linkRoutes: FastifyPluginAsyncTypebox<LinkRoutesOptions> = async (app, options) => {
  const { database, baseUrl, parseTarget, forget, limitCreates } = options

  app.post('/links', {
    onRequest: needs('write'),
    preHandler: limitCreates,
    schema: {
      operationId: 'createLink',
      summary: 'Make a link',
      description: 'With an Idempotency-Key it may be sent again for 24 hours, and makes one link.',
      tags: ['links'],
      headers: RepeatHeaders,
      body: NewLink,
      response: {
        201: LinkAnswer,
        ...problems({
          ...denied,
          ...badBody,
          409: 'The alias is taken',
          422: 'The Idempotency-Key came with another body',
        }),
      },
    },
    handler: async (request, reply) => {
      const { alias } = request.body
      const { status, body } = await answerOnce(database, request, reply, async (database) => {
        const given = linkToCreate(request.body, parseTarget) // in here: a repetition may come once the link has ended
        const [link] = await createLinks(database, accessOf(request), [given])
        if (!link) throw new AliasTakenError(alias)
        return { status: 201, body: answerOf(link, baseUrl) }
      })
      if (alias !== undefined) await forget([alias]) // that it was not there
      reply.code(status as 201).header('location', body.shortUrl)
      return body
    },
  })

  app.get('/links', {
    onRequest: needs('read'),
    schema: {
      operationId: 'listLinks',
      summary: 'Links, the newest first',
      tags: ['links'],
      querystring: PageQuery,
      response: { 200: LinkPage, ...problems({ ...denied, 400: 'Not as documented, or no cursor of ours' }) },
    },
    handler: async (request) => {
      const { links, nextCursor } = await listLinks(database, accessOf(request), request.query)
      return { links: links.map((link) => answerOf(link, baseUrl)), nextCursor }
    },
  })

  app.get('/links/:code', {
    onRequest: needs('read'),
    schema: {
      operationId: 'getLink',
      summary: 'A link',
      tags: ['links'],
      params: CodeParams,
      response: { 200: LinkAnswer, ...problems({ ...denied, ...notFound }) },
    },
    handler: async (request) => {
      const link = await findLink(database, accessOf(request), request.params.code)
      if (!link) throw new LinkNotFoundError()
      return answerOf(link, baseUrl)
    },
  })

  app.patch('/links/:code', {
    onRequest: needs('write'),
    schema: {
      operationId: 'changeLink',
      summary: 'Change a link',
      tags: ['links'],
      params: CodeParams,
      body: LinkChanges,
      response: { 200: LinkAnswer, ...problems({ ...denied, ...badBody, ...notFound }) },
    },
    handler: async (request) => {
      const { code } = request.params
      const change = changed(request.body, parseTarget)
      const link = await updateLink(database, accessOf(request), code, change)
      if (!link) throw new LinkNotFoundError()
      await forget([link.code])
      return answerOf(link, baseUrl)
    },
  })

  app.delete('/links/:code', {
    onRequest: needs('write'),
    schema: {
      operationId: 'deleteLink',
      summary: 'Delete a link; its code never comes back',
      tags: ['links'],
      params: CodeParams,
      response: { 204: Type.Null({ description: 'It is gone' }), ...problems({ ...denied, ...notFound }) },
    },
    handler: async (request, reply) => {
      if (!(await deleteLink(database, accessOf(request), request.params.code))) throw new LinkNotFoundError()
      await forget([request.params.code])
      return reply.code(204).send(null)
    },
  })
}
