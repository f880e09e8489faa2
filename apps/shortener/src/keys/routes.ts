import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { problems } from '../api/problems.js'
import type { Database } from '../database/database.js'
import { IdempotencyKeyError, KeyNameTakenError, KeyNotFoundError } from '../errors.js'
import { needs } from './authenticate.js'
import { type ApiKey, bootstrapName, createKey, listKeys, revokeKey, scopes, tiers } from './repository.js'

const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$' })
const Scopes = Type.Array(Type.Union(scopes.map((scope) => Type.Literal(scope))), {
  minItems: 1,
  uniqueItems: true,
  description:
    'read: links and their statistics. write: make, change and delete links. admin: all of every owner, and keys',
})

const tier = Type.Union(
  tiers.map((tier) => Type.Literal(tier)),
  { description: 'How much it may ask for; standard if not given, high is ten times that' },
)

const NewKey = Type.Object(
  {
    name,
    scopes: Scopes,
    owner: Type.Optional({
      ...name,
      description: 'Keys of one owner share their links. As the key that asks, if not given',
    }),
    tier: Type.Optional(tier),
  },
  { additionalProperties: false },
)

const fields = {
  id: Type.Integer(),
  name: Type.String(),
  owner: Type.String(),
  scopes: Type.Array(Type.String()),
  tier: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  revokedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
}
const KeyAnswer = Type.Object(fields)
const CreatedKey = Type.Object({
  ...fields,
  key: Type.String({ description: 'Told this once; only its hash is kept' }),
})

const answerOf = ({ createdAt, revokedAt, ...key }: ApiKey) => ({
  ...key,
  createdAt: createdAt.toISOString(),
  revokedAt: revokedAt?.toISOString() ?? null,
})

/** `/keys`: for keys with the scope admin. */
export const keyRoutes: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.addHook('onRequest', needs('admin'))
  const denied = { 401: 'No valid key', 403: 'The key is not for this', 503: 'The database is away' }

  app.post('/keys', {
    schema: {
      operationId: 'createKey',
      summary: 'Make a key',
      tags: ['keys'],
      body: NewKey,
      response: {
        201: CreatedKey,
        ...problems({
          ...denied,
          400: 'Not as documented',
          409: 'The name is taken',
          413: 'Too long',
          415: 'Not JSON',
        }),
      },
    },
    handler: async (request, reply) => {
      // Its answer can't be kept to be given again: the key is in it.
      if (request.headers['idempotency-key'] !== undefined) {
        throw new IdempotencyKeyError('is not taken here: names are unique, so a second key is not made')
      }
      const { name, scopes, owner = request.apiKey.owner, tier = 'standard' } = request.body
      const created = name === bootstrapName ? undefined : await createKey(database, { name, scopes, owner, tier })
      if (!created) throw new KeyNameTakenError(name)
      const { key, ...rest } = created
      reply.code(201).header('cache-control', 'no-store')
      return { ...answerOf(rest), key }
    },
  })

  app.get('/keys', {
    schema: {
      operationId: 'listKeys',
      summary: 'All keys, revoked ones too',
      tags: ['keys'],
      response: { 200: Type.Object({ keys: Type.Array(KeyAnswer) }), ...problems(denied) },
    },
    handler: async () => ({ keys: (await listKeys(database)).map(answerOf) }),
  })

  app.delete('/keys/:id', {
    schema: {
      operationId: 'revokeKey',
      summary: 'Revoke a key',
      tags: ['keys'],
      params: Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) }),
      response: {
        204: Type.Null({ description: 'It is not valid any more' }),
        ...problems({ ...denied, 400: 'Not an id', 404: 'No such key, or revoked before' }),
      },
    },
    handler: async (request, reply) => {
      if (!(await revokeKey(database, request.params.id))) throw new KeyNotFoundError()
      return reply.code(204).send(null)
    },
  })
}
