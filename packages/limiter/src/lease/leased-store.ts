import type { Bucket } from '../stores/bucket.js'
import type { AtHand, Claim } from '../stores/claim.js'
import type { Outcome } from '../stores/shared.js'
import { Holder, type HolderOptions } from './holder.js'
import type { Grant, Holding } from './holding.js'

type Done = (outcome: Outcome) => void

export interface LeasedStoreOptions extends HolderOptions {
  /** Decides claims that have no lease, in Redis. */
  decide(claims: readonly Claim[], done: Done): void
  /** Decides what Redis has not. */
  decideWithout(claims: readonly Claim[]): Outcome
}

/** A decision that is not made at once. */
interface Decision {
  claims: readonly Claim[]
  /** What was taken for each claim. */
  grants: (Grant | undefined)[]
  /** Claims for which Redis is to be asked as for any others, and those that it has not answered. */
  plain: Claim[]
  failed: Claim[]
  pending: number
  done: Done
}

/** Decides by tokens that this process has, and gets more where they are few. */
export class LeasedStore {
  readonly holder: Holder
  readonly #options: LeasedStoreOptions
  /** Claims that were met by tokens that were there. */
  local = 0
  /** Decisions that were known before Redis was asked. */
  known = 0

  constructor(options: LeasedStoreOptions) {
    this.#options = options
    this.holder = new Holder(options)
  }

  stats(): { keys: number; local: number; waits: number; refills: number; returns: number } {
    const { size, waits, refills, returns } = this.holder
    return { keys: size, local: this.local, waits, refills, returns }
  }

  /** Tokens that are there. */
  atHand(bucket: Bucket): AtHand<Holding> {
    const { holder } = this
    return {
      find: (key) => holder.get(bucket, key),
      now: this.#options.nowMs,
      take: (holding, hit, nowMs) => {
        const { limit, cost } = hit.policy
        if (!holding.take(cost, limit, nowMs)) return false
        hit.remaining = holding.remaining(limit, nowMs)
        hit.resetUs = holding.resetUs(nowMs)
        holder.refill(holding, nowMs)
        this.local++
        return true
      },
    }
  }

  /** As that of any store: all claims are met and charged, or none is charged. */
  decide(claims: readonly Claim[], done: Done): void {
    const nowMs = this.#options.nowMs()
    if (this.#takeAll(claims, nowMs)) {
      this.local += claims.length
      done('met')
    } else if (this.#isKnown(claims, nowMs)) {
      this.known++
      done('exceeded')
    } else this.#gather(claims, done)
  }

  /** At once, if everything is there. */
  #takeAll(claims: readonly Claim[], nowMs: number): boolean {
    if (claims.length === 1) return this.#takeOne(claims[0]!, nowMs)
    const taken: Grant[] = []
    for (let i = 0; i < claims.length; i++) {
      const claim = claims[i]!
      const holding = isLeased(claim) ? this.holder.find(claim) : undefined
      const grant = holding?.take(claim.need, claim.limit, nowMs)
      if (!grant) {
        for (const [i, grant] of taken.entries()) this.#putBack(claims[i]!, grant)
        return false
      }
      taken.push(grant)
      answer(claim, holding!, true, nowMs)
      this.holder.refill(holding!, nowMs)
    }
    return true
  }

  #takeOne(claim: Claim, nowMs: number): boolean {
    const holding = isLeased(claim) ? this.holder.find(claim) : undefined
    if (!holding?.take(claim.need, claim.limit, nowMs)) return false
    answer(claim, holding, true, nowMs)
    this.holder.refill(holding, nowMs)
    return true
  }

  /** Whether one of the claims is known to fail. */
  #isKnown(claims: readonly Claim[], nowMs: number): boolean {
    let isKnown = false
    for (const claim of claims) {
      const holding = isLeased(claim) && !claim.isShadow ? this.holder.find(claim) : undefined
      if (!holding?.isDenied(claim.need, claim.limit, nowMs) || holding.has(claim.need, claim.limit, nowMs)) continue
      answer(claim, holding, false, nowMs)
      isKnown = true
    }
    return isKnown
  }

  #gather(claims: readonly Claim[], done: Done): void {
    const decision: Decision = { claims, grants: [], plain: [], failed: [], pending: 1, done }
    for (const [i, claim] of claims.entries()) {
      const holding = isLeased(claim) ? this.holder.open(claim) : undefined
      if (holding) this.#take(decision, i, holding)
      else if (!this.#isFree(claim)) decision.plain.push(claim)
    }
    this.#settle(decision)
  }

  /** Whether it needs nothing, and what is left is known without asking. */
  #isFree(claim: Claim): boolean {
    const nowMs = this.#options.nowMs()
    const holding = claim.bucket.lease && claim.need === 0 ? this.holder.find(claim) : undefined
    if (!holding?.has(1, claim.limit, nowMs)) return false
    answer(claim, holding, true, nowMs)
    return true
  }

  #take(decision: Decision, i: number, holding: Holding): void {
    const claim = decision.claims[i]!
    const nowMs = this.#options.nowMs()
    const grant = holding.take(claim.need, claim.limit, nowMs)
    if (grant || holding.isDenied(claim.need, claim.limit, nowMs)) {
      decision.grants[i] = grant
      answer(claim, holding, grant !== undefined, nowMs)
      return
    }
    decision.pending++
    this.holder.wait(holding, claim, (outcome, grant) => {
      decision.grants[i] = grant
      if (outcome === 'failed') decision.failed.push(claim)
      else answer(claim, holding, outcome === 'met', this.#options.nowMs())
      this.#settle(decision)
    })
  }

  /** One step more is done; after the last, it is decided. */
  #settle(decision: Decision): void {
    if (--decision.pending > 0) return
    const { claims, plain, failed, done } = decision
    const isOver = (claim: Claim) => isLeased(claim) && !claim.isOk && !claim.isShadow && !failed.includes(claim)
    if (claims.some(isOver)) this.#end(decision, 'exceeded')
    else if (failed.length > 0) this.#end(decision, this.#options.decideWithout([...failed, ...plain]))
    else if (plain.length > 0) {
      this.#options.decide(plain, (outcome) => this.#end(decision, this.#withHeld(plain, outcome)))
    } else done('met')
  }

  #end({ claims, grants, done }: Decision, outcome: Outcome): void {
    if (outcome === 'exceeded' || outcome === 'closed') {
      for (const [i, grant] of grants.entries()) if (grant) this.#putBack(claims[i]!, grant)
    }
    done(outcome)
  }

  /** Who only looks sees what this process has as well, which Redis counts as used. */
  #withHeld(plain: readonly Claim[], outcome: Outcome): Outcome {
    const nowMs = this.#options.nowMs()
    for (const claim of plain) {
      const holding = claim.bucket.lease && claim.charge === 0 ? this.holder.find(claim) : undefined
      if (!holding || outcome === 'open' || outcome === 'closed') continue
      claim.remaining += holding.unspent(nowMs)
      claim.isOk ||= holding.has(claim.need, claim.limit, nowMs)
    }
    const isMet = plain.every(({ isOk, isShadow }) => isOk || isShadow)
    return outcome === 'exceeded' && isMet ? 'met' : outcome
  }

  #putBack(claim: Claim, grant: Grant): void {
    this.holder.find(claim)?.putBack(grant, claim.need)
  }
}

/** Those that only look take nothing; what nothing is needed for is there. */
const isLeased = ({ bucket, charge }: Claim): boolean => bucket.lease !== undefined && charge > 0

function answer(claim: Claim, holding: Holding, isOk: boolean, nowMs: number): void {
  claim.isOk = isOk
  claim.remaining = isOk ? holding.remaining(claim.limit, nowMs) : 0
  claim.retryUs = isOk ? 0 : holding.retryUs(nowMs)
  claim.resetUs = isOk ? holding.resetUs(nowMs) : claim.retryUs
}
