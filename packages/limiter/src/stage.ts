import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { BanTable } from './bans/table.js'
import { type ClaimMaker, claimOf, isPlain, type PlainPolicy, type PolicyClaim } from './claims.js'
import type { Engine } from './engine.js'
import { hasGone, onceGone } from './gone.js'
import type { Headers } from './headers.js'
import type { Hook } from './hooks.js'
import { plainHook } from './plain.js'
import { banned, exceeded, sendProblem, unavailable } from './refusal.js'
import type { PlacedPolicy } from './scope.js'
import { newState, stateOf } from './state.js'
import type { LimiterStats } from './stats.js'
import type { Outcome } from './stores/shared.js'
import { Turns } from './turns.js'

/** undefined: nobody can tell, and so the request is refused. */
type Asked = PolicyClaim[] | undefined

/** Policies that are asked together: all of them are charged, or none. */
export class Stage {
  /** Lets a request pass, or answers it. */
  readonly run: Hook
  readonly #engine: Engine
  readonly #bans: BanTable
  readonly #maker: ClaimMaker
  readonly #headers: Headers
  readonly #policies: readonly PlacedPolicy[]
  readonly #hasShadows: boolean
  readonly #isLast: boolean
  readonly #hasSlots: boolean
  readonly #escalates: boolean
  readonly #turns: Turns | undefined
  readonly #requests: LimiterStats['requests']

  /** @param isLast of the stages that its requests pass, where those that pass are counted */
  constructor(engine: Engine, maker: ClaimMaker, headers: Headers, policies: readonly PlacedPolicy[], isLast: boolean) {
    this.#engine = engine
    this.#bans = engine.bans.table
    this.#maker = maker
    this.#headers = headers
    this.#policies = policies
    this.#isLast = isLast
    this.#hasSlots = policies.some(({ algorithm }) => algorithm === 'concurrency')
    this.#escalates = policies.some(({ escalate }) => escalate)
    this.#hasShadows = policies.some(({ isShadow }) => isShadow)
    this.#requests = engine.counts.requests
    this.run =
      this.#plainRun() ?? ((request, reply, done) => this.#decide(maker.make(request, policies), request, reply, done))
    if (policies.some(({ delay }) => delay)) this.#turns = new Turns(engine, (request) => maker.make(request, policies))
  }

  /** Where one policy is all, and may be met at once. */
  #plainRun(): Hook | undefined {
    const [policy, ...others] = this.#policies
    if (!policy || !isPlain(policy) || others.length > 0 || policy.isShadow || policy.delay || this.#hasSlots) return
    const atHand = this.#engine.atHand(policy)
    if (!atHand) return
    const maker = this.#maker
    return plainHook({
      policy,
      atHand,
      bans: this.#bans,
      keyFor: maker.askerOf(policy),
      headers: this.#headers,
      // Whoever has another stage to pass is counted there.
      counts: this.#isLast ? this.#requests : { allowed: 0 },
      decide: (request, reply, done, key) => this.#decide(this.#askedBy(request, policy, key), request, reply, done),
    })
  }

  #askedBy(request: FastifyRequest, policy: PlainPolicy, key: string | null | undefined): Asked {
    if (typeof key === 'string') return [claimOf(policy, key, policy.limit, policy.cost)]
    const claim = key === null ? null : this.#maker.makeWithout(request, policy)
    return claim === null ? [] : claim && [claim]
  }

  #decide(claims: Asked, request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    if (!claims) this.#refuseUnchecked(reply, done)
    else if (claims.length === 0) this.#pass(done)
    else if (this.#bans.fails(claims)) this.#refuseBanned(reply, claims, done)
    else if (this.#turns) {
      this.#turns.take(request, reply, claims, (outcome, last) => this.#end(outcome, request, reply, last, done))
    } else if (this.#engine.memory && !this.#hasSlots) {
      this.#end(this.#engine.memory.decide(claims) ? 'met' : 'exceeded', request, reply, claims, done)
    } else this.#engine.decide(claims, (outcome) => this.#end(outcome, request, reply, claims, done))
  }

  #end(
    outcome: Outcome,
    request: FastifyRequest,
    reply: FastifyReply,
    claims: PolicyClaim[],
    done: HookHandlerDoneFunction,
  ): void {
    if (this.#hasSlots) this.#releaseAtEnd(request, reply, claims)
    if (outcome === 'closed') this.#refuseUnchecked(reply, done)
    else if (outcome === 'open') this.#pass(done)
    else {
      const state = stateOf(request)
      // What was asked at an earlier stage is told as well.
      const all = state ? [...state.claims, ...claims] : claims
      if (state) state.claims = all
      else newState(request, all)
      this.#headers.set(reply, all, outcome === 'exceeded')
      if (outcome === 'exceeded') this.#exceed(request, reply, claims, done)
      else {
        if (this.#hasShadows && claims.some(({ isOk }) => !isOk)) this.#tell(request, claims, true)
        this.#pass(done)
      }
    }
  }

  /** Whether it is answered, or the client has gone. */
  #releaseAtEnd(request: FastifyRequest, reply: FastifyReply, claims: readonly PolicyClaim[]): void {
    const release = () => {
      for (const claim of claims) this.#engine.slots.release(claim)
    }
    if (reply.raw.writableFinished || hasGone(request, reply)) release()
    else {
      reply.raw.once('finish', release)
      onceGone(request, reply, release)
    }
  }

  #pass(done: HookHandlerDoneFunction): void {
    if (this.#isLast) this.#requests.allowed++
    done()
  }

  #exceed(request: FastifyRequest, reply: FastifyReply, claims: PolicyClaim[], done: HookHandlerDoneFunction): void {
    const { retryUs, names } = this.#tell(request, claims, false)
    this.#requests.exceeded++
    if (this.#escalates) this.#engine.bans.offend(claims)
    this.#headers.setRetryAfter(reply, retryUs)
    this.#refuse(reply, exceeded(names, Math.ceil(retryUs / 1_000)), done)
  }

  #refuseBanned(reply: FastifyReply, claims: readonly PolicyClaim[], done: HookHandlerDoneFunction): void {
    const over = claims.filter(({ isOk }) => !isOk)
    const retryUs = Math.max(...over.map((claim) => claim.retryUs))
    this.#requests.banned++
    this.#headers.setRetryAfter(reply, retryUs)
    this.#refuse(
      reply,
      banned(
        over.map(({ policy }) => policy.name),
        Math.ceil(retryUs / 1_000),
      ),
      done,
    )
  }

  #refuseUnchecked(reply: FastifyReply, done: HookHandlerDoneFunction): void {
    this.#requests.unavailable++
    this.#refuse(reply, unavailable(), done)
  }

  #refuse(reply: FastifyReply, error: Error, done: HookHandlerDoneFunction): void {
    if (this.#engine.options.isProblem) sendProblem(reply, error)
    else done(error)
  }

  /** Counts what was exceeded, or would have been, and tells listeners. */
  #tell(request: FastifyRequest, all: PolicyClaim[], isShadow: boolean): { retryUs: number; names: string[] } {
    const { counts, events } = this.#engine
    const byPolicy = isShadow ? counts.shadowed : counts.exceeded
    const over = all.filter((claim) => !claim.isOk && claim.isShadow === isShadow)
    const names = over.map(({ policy }) => policy.name)
    const retryUs = Math.max(...over.map((claim) => claim.retryUs))
    for (const name of names) byPolicy[name] = (byPolicy[name] ?? 0) + 1
    if (events.has('exceeded')) {
      const retryAfterMs = Math.ceil(retryUs / 1_000)
      events.emit('exceeded', { policies: names, key: over[0]!.key, retryAfterMs, isShadow, request })
    }
    return { retryUs, names }
  }
}
