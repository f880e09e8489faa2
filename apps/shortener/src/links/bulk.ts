import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyError } from 'fastify'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { answerOnce } from '../api/idempotency.js'
import { Problem, problemOf, problems } from '../api/problems.js'
import { AliasTakenError, LinkItemError } from '../errors.js'
import { accessOf, needs } from '../keys/authenticate.js'
import { answerOf, type LinkToCreate, linkToCreate } from './link.js'
import { createLinks } from './repository.js'
import type { LinkRoutesOptions } from './routes.js'
import { LinkAnswer, NewLink, RepeatHeaders } from './schemas.js'

const most = 500
const bodyLimitBytes = 2_097_152

/** Items are looked at one by one, so that one that is wrong does not keep the others from being made. */
const BulkLinks = Type.Object(
  {
    links: Type.Array(Type.Unknown({ description: 'As the body of POST /links' }), { minItems: 1, maxItems: most }),
  },
  { additionalProperties: false },
)

const BulkAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      status: Type.Integer({ description: 'What POST /links would have answered' }),
      link: Type.Optional(LinkAnswer),
      problem: Type.Optional(Type.Object(Problem.properties)),
    }),
    { description: 'In the order of the links' },
  ),
})
type Result = Type.Static<typeof BulkAnswer>['results'][number]

const isNewLink = Compile(NewLink)

export const bulkRoutes: FastifyPluginAsyncTypebox<LinkRoutesOptions> = async (app, options) => {
  const { database, baseUrl, parseTarget, forget, limitCreates } = options

  app.post('/links/bulk', {
    bodyLimit: bodyLimitBytes,
    onRequest: needs('write'),
    preHandler: limitCreates,
    schema: {
      operationId: 'createLinks',
      summary: 'Make up to 500 links, with a result for each',
      tags: ['links'],
      headers: RepeatHeaders,
      body: BulkLinks,
      response: {
        200: BulkAnswer,
        ...problems({
          400: 'Not as documented as a whole',
          401: 'No valid key',
          403: 'The key lacks the scope',
          413: 'Longer than 2 MiB',
          415: 'Not JSON',
          422: 'The Idempotency-Key came with another body',
          503: 'The database is away',
        }),
      },
    },
    handler: async (request, reply) => {
      const parsed = request.body.links.map((item) => attempt(() => parse(item, parseTarget)))
      const good = parsed.filter((item): item is LinkToCreate => !(item instanceof Error))
      const { body } = await answerOnce(database, request, reply, async (database) => {
        const created = (await createLinks(database, accessOf(request), good)).values()
        const results = parsed.map((item): Result => {
          if (item instanceof Error) return failure(item)
          const link = created.next().value
          return link ? { status: 201, link: answerOf(link, baseUrl) } : failure(new AliasTakenError(item.alias))
        })
        return { status: 200, body: { results } }
      })
      await forget(good.flatMap(({ alias }) => alias ?? []))
      return body
    },
  })
}

function parse(item: unknown, parseTarget: (text: string) => string): LinkToCreate {
  if (isNewLink.Check(item)) return linkToCreate(item, parseTarget)
  const [error] = isNewLink.Errors(item)
  throw new LinkItemError(error?.instancePath ?? '', error?.message)
}

function attempt<T>(work: () => T): T | FastifyError {
  try {
    return work()
  } catch (error) {
    return error as FastifyError
  }
}

function failure(error: FastifyError): Result {
  const problem = problemOf(error)
  return { status: problem.status, problem }
}
