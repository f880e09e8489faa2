import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Engine } from './engine.js'
import * as given from './given.js'
import type { Headers } from './headers.js'
import type { PlacedPolicy } from './scope.js'
import { stateOf } from './state.js'
import { always, Claim } from './stores/claim.js'

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
    if (!state || state.isSettled || state.isExempt) return done()
    state.isSettled = true
    const claims: Claim[] = []
    const asked: Claim[] = []
    state.policies.forEach((policy, i) => {
      const check = state.claims[i]!
      const charge = policy.settle && check.isOk ? this.#chargeOf(policy, request, reply) : 0
      if (charge === 0) return
      const claim = new Claim(check.bucket, check.key, check.limit, check.burst, charge, check.isShadow)
      claim.need = always
      claims.push(claim)
      asked.push(check)
    })
    if (claims.length === 0) return done()
    this.#engine.decide(claims, (outcome) => {
      if (outcome === 'met') {
        claims.forEach(({ remaining, resetUs }, i) => Object.assign(asked[i]!, { remaining, resetUs }))
        this.#headers.set(reply, state.policies, state.claims)
      }
      done()
    })
  }

  #chargeOf(policy: PlacedPolicy, request: FastifyRequest, reply: FastifyReply): number {
    try {
      const charge: unknown = policy.settle!(request, reply)
      if (given.cost.test(charge)) return charge as number
      throw new TypeError(`settle must return ${given.cost.must}, not ${String(charge)}`)
    } catch (error) {
      this.#engine.faults.report(`settle of the policy "${policy.name}"`, error)
      return 1
    }
  }
}
