import type { FastifyRequest } from 'fastify'
import { clientKey } from './address/client-key.js'
import type { Engine } from './engine.js'
import * as given from './given.js'
import { boundedKey, checkedKey } from './key.js'
import type { PlacedPolicy } from './scope.js'
import { Claim } from './stores/claim.js'

/** Whose functions are asked for what a request is to be counted for, and what is done where they fail. */
export class ClaimMaker {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * Adds the claims of a request on these policies, each beside its policy; those that are not for it are left out.
   * @returns false if a function has failed in a way that refuses the request
   */
  add(request: FastifyRequest, from: readonly PlacedPolicy[], policies: PlacedPolicy[], claims: Claim[]): boolean {
    for (let i = 0; i < from.length; i++) {
      const policy = from[i]!
      let claim: Claim | undefined
      try {
        claim = this.#make(policy, request)
      } catch (error) {
        this.#engine.faults.report(`a function of the policy "${policy.name}"`, error)
        const { onRedisError } = this.#engine.options
        if (policy.isShadow || onRedisError === 'open') continue
        claim = onRedisError === 'local' ? this.#makeWithout(policy, request) : undefined
        if (!claim) return false
      }
      if (!claim) continue
      policies.push(policy)
      claims.push(claim)
    }
    return true
  }

  /** What a client is known by, where no key function says so. */
  keyOf(address: string | undefined): string {
    return boundedKey(clientKey(address, this.#engine.options.ipv6Prefix))
  }

  #make(policy: PlacedPolicy, request: FastifyRequest): Claim | undefined {
    const key = policy.key ? checkedKey(policy.key(request)) : this.keyOf(request.ip)
    if (key === null) return undefined
    const limit = typeof policy.limit === 'number' ? policy.limit : checked(policy.limit(request), given.limit, 'limit')
    const cost = typeof policy.cost === 'number' ? policy.cost : checked(policy.cost(request), given.cost, 'cost')
    return claimOf(policy, key, limit, cost)
  }

  /** By the address of the client, and as one hit, but not without the limit. */
  #makeWithout(policy: PlacedPolicy, request: FastifyRequest): Claim | undefined {
    if (typeof policy.limit !== 'number') return undefined
    return claimOf(policy, `\0${this.keyOf(request.ip)}`, policy.limit, 1)
  }
}

export function claimOf(policy: PlacedPolicy, key: string, limit: number, cost: number): Claim {
  const claim = new Claim(policy.bucket, key, limit, policy.burst ?? limit, cost, policy.isShadow)
  if (policy.settle) claim.charge = 0
  return claim
}

function checked(value: unknown, rule: given.Rule, what: string): number {
  if (!rule.test(value)) throw new TypeError(`a ${what} must be ${rule.must}, not ${String(value)}`)
  return value as number
}
