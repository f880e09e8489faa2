import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { BanTable } from './bans/table.js'
import { type ClaimMaker, isPlain, type PlainPolicy, type PolicyClaim, type PolicyHit } from './claims.js'
import type { AtHand, Engine } from './engine.js'
import { hasGone, onceGone } from './gone.js'
import type { Headers } from './headers.js'
import { banned, exceeded, sendProblem, unavailable } from './refusal.js'
import type { PlacedPolicy } from './scope.js'
import { isStated, newState, stateHit, stateOf } from './state.js'
import type { LimiterStats } from './stats.js'
import { claimOn } from './stores/claim.js'
import type { Outcome } from './stores/shared.js'
import { Turns } from './turns.js'

/** undefined: nobody can tell, and so the request is refused. */
type Asked = PolicyClaim[] | undefined

/** Policies that are asked together: all of them are charged, or none. */
export class Stage {
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
  /** The only policy, where it may be met at once, by what there is at hand. */
  readonly #only: PlainPolicy | undefined
  readonly #atHand: AtHand | undefined

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
    const [first, ...others] = policies
    const isUsual = first && isPlain(first) && others.length === 0 && !first.isShadow && !first.delay && !this.#hasSlots
    if (isUsual) this.#atHand = engine.atHand(first)
    if (isUsual && this.#atHand) this.#only = first
    if (policies.some(({ delay }) => delay)) this.#turns = new Turns(engine, (request) => maker.make(request, policies))
  }

  run(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const asked = this.#begin(request, reply)
    if (asked === 'passed') done()
    else this.#decide(asked, request, reply, done)
  }

  /** What is still to be decided; most requests have passed. */
  #begin(request: FastifyRequest, reply: FastifyReply): Asked | 'passed' {
    const only = this.#only
    if (only === undefined) return this.#maker.make(request, this.#policies)
    const key = this.#maker.keyFor(request, only)
    if (typeof key === 'string' && this.#bans.size === 0 && !isStated(request)) {
      const hit: PolicyHit = { policy: only, key, remaining: 0, resetUs: 0 }
      if (this.#atHand!.take(hit)) {
        stateHit(request, hit)
        this.#headers.setPlain(reply, hit)
        if (this.#isLast) this.#requests.allowed++
        return 'passed'
      }
    }
    return this.#beginOne(request, only, key)
  }

  #beginOne(request: FastifyRequest, only: PlainPolicy, key: string | null | undefined): Asked {
    if (typeof key === 'string') return [claimOn(only, key, only.limit, only.cost)]
    const claim = key === null ? null : this.#maker.makeWithout(request, only)
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
