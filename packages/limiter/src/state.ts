import type { FastifyRequest } from 'fastify'
import type { PolicyClaim, PolicyHit } from './claims.js'
import { claimOn } from './stores/claim.js'

/** What is left of a policy's limit for the client of a request. */
export interface RequestLimit {
  limit: number
  remaining: number
  /** Until there is more. */
  resetMs: number
}

/** What the limiter knows of one request. Where that is one hit and no more, the hit stands for it. */
export class RequestState {
  /** All that were asked, stage by stage. */
  claims: readonly PolicyClaim[]
  /** It is on the allow list. */
  isExempt = false
  hasLateStage = false
  isSettled = false

  constructor(claims: readonly PolicyClaim[]) {
    this.claims = claims
  }
}

/** Set without decorateRequest, by which Fastify sets it on every request, one property after the other. */
const key: unique symbol = Symbol('steadfast.limiter.request')

type Stated = FastifyRequest & { [key]?: RequestState | PolicyHit }

export function isStated(request: FastifyRequest): boolean {
  return (request as Stated)[key] !== undefined
}

export function stateOf(request: FastifyRequest): RequestState | undefined {
  const known = (request as Stated)[key]
  return known === undefined || known instanceof RequestState ? known : newState(request, [claimOfHit(known)])
}

export function stateHit(request: FastifyRequest, hit: PolicyHit): void {
  ;(request as Stated)[key] = hit
}

function claimOfHit({ policy, key, remaining, resetUs }: PolicyHit): PolicyClaim {
  return Object.assign(claimOn(policy, key, policy.limit, policy.cost), { remaining, resetUs })
}

export function newState(request: FastifyRequest, claims: readonly PolicyClaim[] = []): RequestState {
  const state = new RequestState(claims)
  ;(request as Stated)[key] = state
  return state
}

/** What is left, by policy. */
export function limitsOf(request: FastifyRequest): Record<string, RequestLimit> {
  const claims = stateOf(request)?.claims ?? []
  return Object.fromEntries(
    claims.map(({ policy, limit, remaining, resetUs }) => [
      policy.name,
      { limit, remaining, resetMs: Math.ceil(resetUs / 1_000) },
    ]),
  )
}
