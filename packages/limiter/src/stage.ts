import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { ClaimMaker } from './claims.js'
import type { Engine } from './engine.js'
import type { Headers } from './headers.js'
import { exceeded, sendProblem, unavailable } from './refusal.js'
import type { PlacedPolicy } from './scope.js'
import { newState, stateOf } from './state.js'
import type { Claim } from './stores/claim.js'
import type { Outcome } from './stores/shared.js'

/** A request at a stage. */
export interface Turn {
  request: FastifyRequest
  reply: FastifyReply
  policies: PlacedPolicy[]
  claims: Claim[]
  done: HookHandlerDoneFunction
}

/** Policies that are asked together: all of them are charged, or none. */
export class Stage {
  readonly #engine: Engine
  readonly #maker: ClaimMaker
  readonly #headers: Headers
  readonly #policies: readonly PlacedPolicy[]
  readonly #mayWait: boolean
  readonly #hasShadows: boolean

  readonly #isLast: boolean

  /** @param isLast of the stages that its requests pass, where those that pass are counted */
  constructor(engine: Engine, maker: ClaimMaker, headers: Headers, policies: readonly PlacedPolicy[], isLast: boolean) {
    this.#isLast = isLast
    this.#engine = engine
    this.#maker = maker
    this.#headers = headers
    this.#policies = policies
    this.#mayWait = policies.some(({ delay }) => delay !== undefined)
    this.#hasShadows = policies.some(({ isShadow }) => isShadow)
  }

  run(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const turn = { request, reply, policies: [] as PlacedPolicy[], claims: [] as Claim[], done }
    if (!this.#maker.add(request, this.#policies, turn.policies, turn.claims)) this.#end('closed', turn)
    else if (turn.claims.length === 0) this.#pass(done)
    else if (this.#mayWait && this.#queues(turn)) return
    else this.#decide(turn)
  }

  #decide(turn: Turn): void {
    const { memory } = this.#engine
    if (memory) this.#end(memory.decide(turn.claims) ? 'met' : 'exceeded', turn)
    else this.#engine.decide(turn.claims, (outcome) => this.#end(outcome, turn))
  }

  #end(outcome: Outcome, turn: Turn): void {
    const { request, reply, policies, claims, done } = turn
    const { counts } = this.#engine
    if (outcome === 'closed') {
      counts.requests.unavailable++
      this.#refuse(turn, unavailable())
      return
    }
    if (outcome === 'open') {
      this.#pass(done)
      return
    }
    if (outcome === 'exceeded' && this.#mayWait && this.#waits(turn)) return
    const before = stateOf(request)
    const state = before ?? newState(request)
    // What was asked at an earlier stage is told as well.
    state.policies = before ? [...state.policies, ...policies] : policies
    state.claims = before ? [...state.claims, ...claims] : claims
    this.#headers.set(reply, state.policies, state.claims, outcome === 'exceeded')
    if (outcome === 'exceeded') this.#exceed(turn)
    else {
      if (this.#hasShadows && claims.some(({ isOk }) => !isOk)) this.#tell(turn, true)
      this.#pass(done)
    }
  }

  #pass(done: HookHandlerDoneFunction): void {
    if (this.#isLast) this.#engine.counts.requests.allowed++
    done()
  }

  #exceed(turn: Turn): void {
    const { retryUs, names } = this.#tell(turn, false)
    this.#engine.counts.requests.exceeded++
    this.#headers.setRetryAfter(turn.reply, retryUs)
    this.#refuse(turn, exceeded(names, Math.ceil(retryUs / 1_000)))
  }

  #refuse({ reply, done }: Turn, error: Error): void {
    if (this.#engine.options.isProblem) sendProblem(reply, error)
    else done(error)
  }

  /** Counts what was exceeded, or would have been, and tells listeners. */
  #tell({ request, policies, claims }: Turn, isShadow: boolean): { retryUs: number; names: string[] } {
    const { counts, events } = this.#engine
    const byPolicy = isShadow ? counts.shadowed : counts.exceeded
    const names: string[] = []
    let first: Claim | undefined
    let retryUs = 0
    claims.forEach((claim, i) => {
      if (claim.isOk || claim.isShadow !== isShadow) return
      const { name } = policies[i]!
      names.push(name)
      byPolicy[name] = (byPolicy[name] ?? 0) + 1
      first ??= claim
      retryUs = Math.max(retryUs, claim.retryUs)
    })
    if (events.has('exceeded') && first) {
      const retryAfterMs = Math.ceil(retryUs / 1_000)
      events.emit('exceeded', { policies: names, key: first.key, retryAfterMs, isShadow, request })
    }
    return { retryUs, names }
  }

  /** Behind a line that is there already: whoever comes later waits longer. */
  #queues(turn: Turn): boolean {
    const { lines } = this.#engine
    for (const [i, claim] of turn.claims.entries()) {
      const { delay } = turn.policies[i]!
      if (!delay || claim.isShadow) continue
      const name = claim.bucket.prefix + claim.key
      const waitMs = lines.waitMs(name)
      if (waitMs === undefined) continue
      if (lines.hasRoom(delay)) this.#enter(turn, i, waitMs)
      else {
        claim.isOk = false
        claim.retryUs = claim.resetUs = Math.ceil(waitMs * 1_000)
        this.#endWithoutWait(turn)
      }
      return true
    }
    return false
  }

  /** Only where each policy that was exceeded lets it wait. */
  #waits(turn: Turn): boolean {
    let longest = -1
    for (const [i, { isOk, isShadow, retryUs }] of turn.claims.entries()) {
      if (isOk || isShadow) continue
      const { delay } = turn.policies[i]!
      if (!delay || retryUs > delay.maxMs * 1_000 || !this.#engine.lines.hasRoom(delay)) return false
      if (longest < 0 || retryUs > turn.claims[longest]!.retryUs) longest = i
    }
    if (longest < 0) return false
    this.#enter(turn, longest, turn.claims[longest]!.retryUs / 1_000)
    return true
  }

  #enter(turn: Turn, index: number, retryMs: number): void {
    const { lines, counts } = this.#engine
    const { claims, policies, request, reply } = turn
    const end = (outcome: Outcome) => {
      reply.raw.off('close', leave)
      if (outcome === 'exceeded') this.#endWithoutWait(turn)
      else this.#end(outcome, turn)
    }
    const leave = lines.enter(
      claims[index]!.bucket.prefix + claims[index]!.key,
      policies[index]!.delay!,
      {
        attempt: (done) => {
          // Anew: what they say may depend on when they are asked.
          turn.policies = []
          turn.claims = []
          if (!this.#maker.add(request, this.#policies, turn.policies, turn.claims)) {
            end('closed')
            done(undefined)
            return
          }
          this.#engine.decide(turn.claims, (outcome) => {
            const over = turn.claims.filter(({ isOk, isShadow }) => !isOk && !isShadow)
            if (outcome === 'exceeded') done(Math.max(1, ...over.map(({ retryUs }) => retryUs / 1_000)))
            else {
              done(undefined)
              if (!reply.raw.destroyed) end(outcome)
            }
          })
        },
        giveUp: () => end('exceeded'),
      },
      Math.max(1, retryMs),
    )
    counts.delayed++
    reply.raw.once('close', leave)
  }

  #endWithoutWait(turn: Turn): void {
    const state = stateOf(turn.request) ?? newState(turn.request)
    state.policies = [...state.policies, ...turn.policies]
    state.claims = [...state.claims, ...turn.claims]
    this.#headers.set(turn.reply, state.policies, state.claims, true)
    this.#exceed(turn)
  }
}
