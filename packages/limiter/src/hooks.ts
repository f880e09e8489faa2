import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Engine } from './engine.js'
import type { Gates } from './gates.js'
import { listed } from './lists.js'
import { denied, sendProblem } from './refusal.js'
import { newState, stateOf } from './state.js'

export type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** onRequest: before the body is read. */
export function earlyHook(gates: Gates, engine: Engine): Hook {
  const { counts, options } = engine
  if (!options.allow && !options.deny) {
    return function limitRequest(request, reply, done) {
      const { early } = gates.of(request)
      if (early) early.run(request, reply, done)
      else done()
    }
  }
  return function limitUnlisted(request, reply, done) {
    const gate = gates.of(request)
    if (!gate.isProbe) {
      const list = listed(request, engine)
      if (list === 'deny') {
        counts.requests.denied++
        if (options.isProblem) sendProblem(reply, denied())
        else done(denied())
        return
      }
      if (list === 'allow') {
        counts.requests.exempt++
        newState(request).isExempt = true
        done()
        return
      }
    }
    if (gate.early) gate.early.run(request, reply, done)
    else done()
  }
}

/** preHandler: the request has been read, and who it is from is known. */
export function lateHook(gates: Gates): Hook {
  return function limitUser(request, reply, done) {
    const { late } = gates.of(request)
    const state = late && (stateOf(request) ?? newState(request))
    // A handler that calls for the not-found handler comes by here again.
    if (!state || state.isExempt || state.hasLateStage) return done()
    state.hasLateStage = true
    late.run(request, reply, done)
  }
}
