import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PolicyClaim } from './claims.js'
import type { Engine } from './engine.js'
import * as given from './given.js'
import type { Headers } from './headers.js'
import type { PlacedPolicy } from './scope.js'
import { stateOf } from './state.js'
import { always, claimOn } from './stores/claim.js'

/**
 * Counts what a request is told to have counted for, before its answer goes out: whoever has that can't come again before it is counted.
 * Those that were under way at the same time had room as well, so a limit is overshot by them at the most.
 */
export class Settlement {
  readonly #engine: Engine
  readonly #headers: Headers

  constructor(engine: Engine, headers: Headers) {
    this.#engine = engine
    this.#headers = headers
  }

  run(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const state = stateOf(request)
    if (!state || state.isSettled) {
      done()
      return
    }
    state.isSettled = true
    const claims: PolicyClaim[] = []
    const asked: PolicyClaim[] = []
    for (const check of state.claims) {
      const { policy, key, limit, burst } = check
      const charge = policy.settle && check.isOk ? this.#chargeOf(policy, request, reply) : 0
      if (charge === 0) continue
      claims.push(Object.assign(claimOn(policy, key, limit, charge), { burst, need: always }))
      asked.push(check)
    }
    if (claims.length === 0) {
      done()
      return
    }
    this.#engine.decide(claims, (outcome) => {
      if (outcome === 'met') {
        for (const [i, { remaining, resetUs }] of claims.entries()) Object.assign(asked[i]!, { remaining, resetUs })
        this.#headers.set(reply, state.claims)
      }
      done()
    })
  }

  #chargeOf(policy: PlacedPolicy, request: FastifyRequest, reply: FastifyReply): number {
    try {
      const charge: unknown = policy.settle!(request, reply)
      if (given.cost.test(charge)) return charge as number
      throw new TypeError(`settle must return ${given.cost.must}, not ${given.told(charge)}`)
    } catch (error) {
      this.#engine.faults.report(`settle of the policy "${policy.name}"`, error)
      return 1
    }
  }
}
