import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { BannedError, DeniedError, LimitExceededError, UnavailableError } from './errors.js'

/** What the error handler gets for a request that is too many, or whose key is banned. */
export interface LimitExceeded extends Error {
  code: 'ERR_LIMITER_EXCEEDED' | 'ERR_LIMITER_BANNED'
  statusCode: 429 | 403
  /** The names of the policies that were exceeded, or that the key is banned from. */
  violatedPolicies: string[]
  /** When it would have passed. */
  retryAfterMs: number
}

/** https://www.iana.org/assignments/http-problem-types, as the draft of the RateLimit fields adds to it. */
const problemTypes = 'https://iana.org/assignments/http-problem-types#'

export function exceeded(violatedPolicies: string[], retryAfterMs: number): Error {
  return Object.assign(withoutStack(LimitExceededError), { violatedPolicies, retryAfterMs })
}

export function banned(violatedPolicies: string[], retryAfterMs: number): Error {
  return Object.assign(withoutStack(BannedError), { violatedPolicies, retryAfterMs })
}

export const denied = (): Error => withoutStack(DeniedError)

export const unavailable = (): Error => withoutStack(UnavailableError)

/** A flood makes many of them, and where they come from is known. */
function withoutStack(Kind: new () => Error): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return new Kind()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Answers by RFC 9457. */
export function sendProblem(reply: FastifyReply, error: Error): void {
  const { statusCode, message, code, violatedPolicies, retryAfterMs } = error as unknown as LimitExceeded
  const types: Record<number, string> = { 429: 'quota-exceeded', 503: 'temporary-reduced-capacity' }
  const type = types[statusCode]
  const problem = {
    type: type ? problemTypes + type : 'about:blank',
    title:
      type === 'quota-exceeded'
        ? 'Request cannot be satisfied as assigned quota has been exceeded'
        : STATUS_CODES[statusCode],
    status: statusCode,
    detail: message,
    code,
    ...(violatedPolicies && { 'violated-policies': violatedPolicies, retryAfterMs }),
  }
  reply
    .code(statusCode)
    .header('content-type', 'application/problem+json')
    .serializer(identity)
    .send(JSON.stringify(problem))
}

const identity = (payload: unknown) => payload as string
