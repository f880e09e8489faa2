import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PolicyClaim } from './claims.js'
import type { Engine } from './engine.js'
import { hasGone, onceGone } from './gone.js'
import type { Outcome } from './stores/shared.js'

type End = (outcome: Outcome, claims: PolicyClaim[]) => void

/** Requests of policies that delay: each passes, is refused, or waits in the line of its key. */
export class Turns {
  readonly #engine: Engine
  readonly #make: (request: FastifyRequest) => PolicyClaim[] | undefined

  constructor(engine: Engine, make: (request: FastifyRequest) => PolicyClaim[] | undefined) {
    this.#engine = engine
    this.#make = make
  }

  take(request: FastifyRequest, reply: FastifyReply, claims: PolicyClaim[], end: End): void {
    if (this.#joins(request, reply, claims, end)) return
    this.#engine.decide(claims, (outcome) => {
      if (outcome !== 'exceeded' || !this.#waits(request, reply, claims, end)) end(outcome, claims)
    })
  }

  /** Behind a line that is there already, whatever there is room for: whoever comes later waits longer. */
  #joins(request: FastifyRequest, reply: FastifyReply, claims: PolicyClaim[], end: End): boolean {
    const { lines } = this.#engine
    for (const claim of claims) {
      const { delay } = claim.policy
      if (!delay || claim.isShadow) continue
      const waitMs = lines.waitMs(nameOf(claim))
      if (waitMs === undefined) continue
      if (lines.hasRoom(delay)) this.#enter(request, reply, claim, waitMs, end)
      else {
        claim.isOk = false
        claim.retryUs = claim.resetUs = Math.ceil(waitMs * 1_000)
        end('exceeded', claims)
      }
      return true
    }
    return false
  }

  /** Only where each policy that was exceeded lets it wait, and for as long. */
  #waits(request: FastifyRequest, reply: FastifyReply, claims: PolicyClaim[], end: End): boolean {
    let longest: PolicyClaim | undefined
    for (const claim of violated(claims)) {
      const { delay } = claim.policy
      if (!delay || claim.retryUs > delay.maxMs * 1_000 || !this.#engine.lines.hasRoom(delay)) return false
      if (!longest || claim.retryUs > longest.retryUs) longest = claim
    }
    if (longest) this.#enter(request, reply, longest, longest.retryUs / 1_000, end)
    return longest !== undefined
  }

  #enter(request: FastifyRequest, reply: FastifyReply, claim: PolicyClaim, retryMs: number, end: End): void {
    const { lines, counts, slots } = this.#engine
    let claims: PolicyClaim[] = [claim]
    const leave = lines.enter(
      nameOf(claim),
      claim.policy.delay!,
      {
        attempt: (done) => {
          // Anew: what its functions say may depend on when they are asked.
          const made = this.#make(request)
          claims = made ?? claims
          const settle = (outcome: Outcome) => {
            done(
              outcome === 'exceeded'
                ? Math.max(1, ...violated(claims).map(({ retryUs }) => retryUs / 1_000))
                : undefined,
            )
            if (outcome === 'exceeded') return
            // Nobody is there any more to give them back.
            if (isOver || hasGone(request, reply)) for (const each of claims) slots.release(each)
            else over(outcome)
          }
          if (made) this.#engine.decide(made, settle)
          else settle('closed')
        },
        giveUp: (leftMs) => {
          // One that came behind others has not been asked for yet.
          if (claim.isOk) {
            claim.isOk = false
            claim.retryUs = claim.resetUs = Math.ceil(leftMs * 1_000)
          }
          over('exceeded')
        },
      },
      Math.max(1, retryMs),
    )
    let isOver = false
    const over = (outcome: Outcome) => {
      if (isOver) return
      isOver = true
      stay()
      end(outcome, claims)
    }
    counts.delayed++
    const stay = onceGone(request, reply, leave)
    if (hasGone(request, reply)) leave()
  }
}

const nameOf = ({ bucket, key }: PolicyClaim): string => bucket.prefix + key

function violated(claims: PolicyClaim[]): PolicyClaim[] {
  return claims.filter(({ isOk, isShadow }) => !isOk && !isShadow)
}
