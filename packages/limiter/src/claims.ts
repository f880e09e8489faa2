import type { FastifyRequest } from 'fastify'
import { clientKey } from './address/client-key.js'
import type { Engine } from './engine.js'
import * as given from './given.js'
import { boundedKey, checkedKey } from './key.js'
import { defaultBurst } from './policy.js'
import type { PlacedPolicy } from './scope.js'
import { Claim } from './stores/claim.js'

/** A claim, and the policy that makes it. */
export class PolicyClaim extends Claim {
  readonly policy: PlacedPolicy

  constructor(policy: PlacedPolicy, key: string, limit: number, cost: number) {
    super(policy.bucket, key, limit, policy.burst ?? defaultBurst(limit), cost, policy.isShadow)
    this.policy = policy
  }
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
    // The list of one is the usual one; what is pushed to gets room for seventeen.
    if (policies.length === 1) {
      const claim = this.#tryToMake(policies[0]!, request)
      return claim ? [claim] : claim === null ? [] : undefined
    }
    const claims: PolicyClaim[] = []
    for (let i = 0; i < policies.length; i++) {
      const claim = this.#tryToMake(policies[i]!, request)
      if (claim === undefined) return undefined
      if (claim) claims.push(claim)
    }
    return claims
  }

  /** null: the policy is not for this request. undefined: the request is refused. */
  #tryToMake(policy: PlacedPolicy, request: FastifyRequest): PolicyClaim | null | undefined {
    try {
      return this.#make(policy, request)
    } catch (error) {
      this.#engine.faults.report(`a function of the policy "${policy.name}"`, error)
      const { onRedisError } = this.#engine.options
      if (policy.isShadow || onRedisError === 'open') return null
      return onRedisError === 'local' ? this.#makeWithout(policy, request) : undefined
    }
  }

  /** What a client is known by, where no key function says so. */
  keyOf(address: string | undefined): string {
    return boundedKey(clientKey(address, this.#engine.options.ipv6Prefix))
  }

  #make(policy: PlacedPolicy, request: FastifyRequest): PolicyClaim | null {
    const key = policy.key ? checkedKey(policy.key(request)) : this.keyOf(request.ip)
    if (key === null) return null
    const limit = typeof policy.limit === 'number' ? policy.limit : checked(policy.limit(request), given.limit, 'limit')
    const cost = typeof policy.cost === 'number' ? policy.cost : checked(policy.cost(request), given.cost, 'cost')
    return claimOf(policy, key, limit, cost)
  }

  /** By the address of the client, and as one hit, but not without the limit. */
  #makeWithout(policy: PlacedPolicy, request: FastifyRequest): PolicyClaim | undefined {
    if (typeof policy.limit !== 'number') return undefined
    return claimOf(policy, `\0${this.keyOf(request.ip)}`, policy.limit, 1)
  }
}

export function claimOf(policy: PlacedPolicy, key: string, limit: number, cost: number): PolicyClaim {
  const claim = new PolicyClaim(policy, key, limit, cost)
  if (policy.settle) claim.charge = 0
  return claim
}

function checked(value: unknown, rule: given.Rule, what: string): number {
  if (!rule.test(value)) throw new TypeError(`a ${what} must be ${rule.must}, not ${given.told(value)}`)
  return value as number
}
