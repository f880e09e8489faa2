import type { FastifyRequest } from 'fastify'
import { clientKey } from './address/client-key.js'
import type { Engine } from './engine.js'
import * as given from './given.js'
import { boundedKey, checkedKey } from './key.js'
import type { PlacedPolicy } from './scope.js'
import { type Claim, claimOn, type Hit } from './stores/claim.js'

/** A claim, and the policy that makes it. */
export type PolicyClaim = Claim<PlacedPolicy>

/** A policy of which no function but that of its key is asked, and which charges what it needs. */
export type PlainPolicy = PlacedPolicy & { limit: number; burst: number; cost: number; settle: undefined }

export function isPlain(policy: PlacedPolicy): policy is PlainPolicy {
  return typeof policy.limit === 'number' && typeof policy.cost === 'number' && !policy.settle
}

/** A hit, and the policy that it is counted by. */
export type PolicyHit = Hit<PlainPolicy>

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

  /** Whose hit a request is. null: the policy is not for it. undefined: its function has failed, and `makeWithout` tells. */
  keyFor(request: FastifyRequest, policy: PlacedPolicy): string | null | undefined {
    try {
      return policy.key ? checkedKey(policy.key(request)) : this.keyOf(request.ip)
    } catch (error) {
      this.#fail(policy, error)
      return undefined
    }
  }

  /** `keyFor` of one policy, kept short: it is part of what each usual request runs. */
  askerOf(policy: PlacedPolicy): (request: FastifyRequest) => string | null | undefined {
    const { key } = policy
    if (!key) return (request) => this.keyFor(request, policy)
    return (request) => {
      try {
        return checkedKey(key(request))
      } catch (error) {
        this.#fail(policy, error)
        return undefined
      }
    }
  }

  /** null: the policy is not for this request. undefined: the request is refused. */
  #makeOne(request: FastifyRequest, policy: PlacedPolicy): PolicyClaim | null | undefined {
    const key = this.keyFor(request, policy)
    if (key === undefined) return this.makeWithout(request, policy)
    if (key === null) return null
    const { limit, cost } = policy
    try {
      return claimOf(
        policy,
        key,
        typeof limit === 'number' ? limit : checked(limit(request), given.limit, 'limit'),
        typeof cost === 'number' ? cost : checked(cost(request), given.cost, 'cost'),
      )
    } catch (error) {
      this.#fail(policy, error)
      return this.makeWithout(request, policy)
    }
  }

  /** What a client is known by, where no key function says so. */
  keyOf(address: string | undefined): string {
    return boundedKey(clientKey(address, this.#engine.options.ipv6Prefix))
  }

  /** Where a function has failed: by the address of the client, and as one hit, but not without the limit. */
  makeWithout(request: FastifyRequest, policy: PlacedPolicy): PolicyClaim | null | undefined {
    const { onRedisError } = this.#engine.options
    if (policy.isShadow || onRedisError === 'open') return null
    if (onRedisError === 'closed' || typeof policy.limit !== 'number') return undefined
    return claimOf(policy, `\0${this.keyOf(request.ip)}`, policy.limit, 1)
  }

  #fail({ name }: PlacedPolicy, error: unknown): void {
    this.#engine.faults.report(`a function of the policy "${name}"`, error)
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
