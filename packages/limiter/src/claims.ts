import type { FastifyRequest } from 'fastify'
import { clientKey } from './address/client-key.js'
import type { Engine } from './engine.js'
import * as given from './given.js'
import { boundedKey, checkedKey } from './key.js'
import type { PlacedPolicy } from './scope.js'
import { type Claim, claimOn } from './stores/claim.js'

/** A claim, and the policy that makes it. */
export type PolicyClaim = Claim<PlacedPolicy>

/** A policy of which no function but that of its key is asked, and which charges what it needs. */
export type PlainPolicy = PlacedPolicy & { limit: number; cost: number; settle: undefined }

export function isPlain(policy: PlacedPolicy): policy is PlainPolicy {
  return typeof policy.limit === 'number' && typeof policy.cost === 'number' && !policy.settle
}

/** Whose functions are asked for what a request is to be counted for, and what is done where they fail. */
export class ClaimMaker {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * The claims of a request on these policies, without those that are not for it.
   * @returns undefined if a function has failed in a way that refuses the request
   */
  make(request: FastifyRequest, policies: readonly PlacedPolicy[]): PolicyClaim[] | undefined {
    const claims: PolicyClaim[] = []
    for (let i = 0; i < policies.length; i++) {
      const claim = this.#makeOne(request, policies[i]!)
      if (claim === undefined) return undefined
      if (claim) claims.push(claim)
    }
    return claims
  }

  /** null: the policy is not for this request. undefined: the request is refused. */
  makePlain(request: FastifyRequest, policy: PlainPolicy): PolicyClaim | null | undefined {
    try {
      const key = policy.key ? checkedKey(policy.key(request)) : this.keyOf(request.ip)
      return key === null ? null : claimOn(policy, key, policy.limit, policy.cost)
    } catch (error) {
      return this.#makeFailed(request, policy, error)
    }
  }

  /** The same of any policy. */
  #makeOne(request: FastifyRequest, policy: PlacedPolicy): PolicyClaim | null | undefined {
    try {
      const { limit, cost } = policy
      const key = policy.key ? checkedKey(policy.key(request)) : this.keyOf(request.ip)
      if (key === null) return null
      return claimOf(
        policy,
        key,
        typeof limit === 'number' ? limit : checked(limit(request), given.limit, 'limit'),
        typeof cost === 'number' ? cost : checked(cost(request), given.cost, 'cost'),
      )
    } catch (error) {
      return this.#makeFailed(request, policy, error)
    }
  }

  /** What a client is known by, where no key function says so. */
  keyOf(address: string | undefined): string {
    return boundedKey(clientKey(address, this.#engine.options.ipv6Prefix))
  }

  #makeFailed(request: FastifyRequest, policy: PlacedPolicy, error: unknown): PolicyClaim | null | undefined {
    this.#engine.faults.report(`a function of the policy "${policy.name}"`, error)
    const { onRedisError } = this.#engine.options
    if (policy.isShadow || onRedisError === 'open') return null
    return onRedisError === 'local' ? this.#makeWithout(policy, request) : undefined
  }

  /** By the address of the client, and as one hit, but not without the limit. */
  #makeWithout(policy: PlacedPolicy, request: FastifyRequest): PolicyClaim | undefined {
    if (typeof policy.limit !== 'number') return undefined
    return claimOf(policy, `\0${this.keyOf(request.ip)}`, policy.limit, 1)
  }
}

export function claimOf(policy: PlacedPolicy, key: string, limit: number, cost: number): PolicyClaim {
  const claim = claimOn(policy, key, limit, cost)
  // What it is to be charged is told at the end.
  if (policy.settle) claim.charge = 0
  return claim
}

function checked(value: unknown, rule: given.Rule, what: string): number {
  if (!rule.test(value)) throw new TypeError(`a ${what} must be ${rule.must}, not ${given.told(value)}`)
  return value as number
}
