import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { NotFoundError } from '../errors.js'

const mediaType = 'application/problem+json'

/** How every error is told: RFC 9457, and the code that stays the same whatever the wording. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'about:blank: the code tells what the problem is' }),
    title: Type.String({ description: 'The name of the status' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong with this request' }),
    code: Type.String({ pattern: '^[A-Z_]+$', description: 'Stable; docs/error-codes.md explains each' }),
  },
  { $id: 'Problem', title: 'Problem' },
)
export type Problem = Type.Static<typeof Problem>

/** The errors that a route documents, as its `response` schemas. */
export function problems<const Status extends number>(descriptions: Record<Status, string>): Record<Status, object> {
  const entries = Object.entries<string>(descriptions).map(([status, description]) => [
    status,
    { description, content: { [mediaType]: { schema: Type.Ref('Problem') } } },
  ])
  return Object.fromEntries(entries) as Record<Status, object>
}

/** The problem that an error is to the client. Of faults of ours it tells nothing but that there was one. */
export function problemOf(error: FastifyError): Problem {
  const { code, message, statusCode = 500 } = error
  const isMeant = statusCode < 500 || statusCode === 503
  const status = isMeant ? statusCode : 500
  const title = STATUS_CODES[status] ?? 'Error'
  if (!isMeant)
    return { type: 'about:blank', title, status, detail: 'something went wrong here', code: 'ERR_SHORTENER_INTERNAL' }
  return { type: 'about:blank', title, status, detail: message, code: code ?? 'ERR_SHORTENER_REQUEST' }
}

export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error)
  if (problem.status === 503) reply.header('retry-after', '1') // and it is in the log already, once
  if (problem.status === 500) request.log.error(error)
  reply.code(problem.status).type(mediaType).send(problem)
}

export function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  answerError(new NotFoundError(request.method, request.url.split('?')[0]), request, reply)
}
