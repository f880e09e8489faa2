import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { problems } from '../../api/problems.js'
import type { Database } from '../../database/database.js'
import { DeadLetterNotFoundError } from '../../errors.js'
import { needs } from '../../keys/authenticate.js'
import { deleteDeadLetter, listDeadLetters, replayDeadLetter } from './repository.js'

const most = 100
const id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: most, description: `${most} if not given` })),
    after: Type.Optional(
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'The id of the last one seen' }),
    ),
  },
  { additionalProperties: false },
)

const DeadLetterList = Type.Object({
  deadLetters: Type.Array(
    Type.Object({
      id,
      at: Type.String({ format: 'date-time', description: 'When it was put here' }),
      reason: Type.String({ description: 'Why it could not be counted' }),
      payload: Type.String({ description: 'What was to be counted, as it came' }),
    }),
    { description: 'The oldest first' },
  ),
})

const Ids = Type.Object(
  { ids: Type.Array(id, { minItems: 1, maxItems: most, uniqueItems: true }) },
  { additionalProperties: false },
)

const Replayed = Type.Object({
  results: Type.Array(
    Type.Object({ id, isCounted: Type.Boolean(), reason: Type.Optional(Type.String({ description: 'Why not' })) }),
    { description: 'In the order of the ids' },
  ),
})

/** `/dead-letters`: clicks that could not be counted, for keys with the scope admin. */
export const deadLetterRoutes: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.addHook('onRequest', needs('admin'))
  const denied = { 401: 'No valid key', 403: 'The key is not for this', 503: 'The database is away' }
  const tags = ['dead letters']

  app.get('/dead-letters', {
    schema: {
      operationId: 'listDeadLetters',
      summary: 'Clicks that could not be counted',
      tags,
      querystring: PageQuery,
      response: { 200: DeadLetterList, ...problems({ ...denied, 400: 'Not as documented' }) },
    },
    handler: async ({ query: { limit = most, after = 0 } }) => {
      const letters = await listDeadLetters(database, after, limit)
      return { deadLetters: letters.map((letter) => ({ ...letter, at: letter.at.toISOString() })) }
    },
  })

  app.post('/dead-letters/replay', {
    schema: {
      operationId: 'replayDeadLetters',
      summary: 'Count them after all; what is counted is a dead letter no more',
      tags,
      body: Ids,
      response: {
        200: Replayed,
        ...problems({ ...denied, 400: 'Not as documented', 413: 'Too long', 415: 'Not JSON' }),
      },
    },
    handler: async ({ body: { ids } }) => {
      const results: { id: number; isCounted: boolean; reason?: string }[] = []
      for (const id of ids) {
        const reason = await replayDeadLetter(database, id)
        results.push(reason === undefined ? { id, isCounted: true } : { id, isCounted: false, reason })
      }
      return { results }
    },
  })

  app.delete('/dead-letters/:id', {
    schema: {
      operationId: 'deleteDeadLetter',
      summary: 'Give one up',
      tags,
      params: Type.Object({ id }),
      response: {
        204: Type.Null({ description: 'It is gone' }),
        ...problems({ ...denied, 400: 'Not an id', 404: 'No such dead letter' }),
      },
    },
    handler: async (request, reply) => {
      if (!(await deleteDeadLetter(database, request.params.id))) throw new DeadLetterNotFoundError()
      return reply.code(204).send(null)
    },
  })
}
