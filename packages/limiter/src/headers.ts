import type { FastifyReply } from 'fastify'
import type { HeaderStyle } from './options.js'
import type { PlacedPolicy } from './scope.js'
import type { Claim } from './stores/claim.js'

/** How much later than it could a client is told to come, at most: so that not all come at once. */
const jitterShare = 0.1

const seconds = (us: number): number => Math.ceil(us / 1_000_000)

/** The texts of a policy, made once. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers */
class PolicyTexts {
  readonly #windowSeconds: number
  readonly #name: string
  readonly before: string
  #limit = -1
  #policy = ''

  constructor({ name, windowMs }: PlacedPolicy) {
    this.#name = name
    this.#windowSeconds = Math.ceil(windowMs / 1_000)
    this.before = `"${name}";r=`
  }

  policy(limit: number): string {
    if (limit !== this.#limit) {
      this.#limit = limit
      this.#policy = `"${this.#name}";q=${limit};w=${this.#windowSeconds}`
    }
    return this.#policy
  }

  now({ remaining, resetUs }: Claim): string {
    return `${this.before}${remaining};t=${Math.min(seconds(resetUs), this.#windowSeconds)}`
  }
}

/** What replies are told of limits. */
export class Headers {
  readonly #isDraft: boolean
  readonly #isLegacy: boolean
  readonly #texts = new WeakMap<PlacedPolicy, PolicyTexts>()

  constructor(style: HeaderStyle) {
    this.#isDraft = style === 'draft' || style === 'both'
    this.#isLegacy = style === 'legacy' || style === 'both'
  }

  set(reply: FastifyReply, policies: readonly PlacedPolicy[], claims: readonly Claim[], isExceeded = false): void {
    if (this.#isDraft) this.#setDraft(reply, policies, claims, isExceeded)
    if (this.#isLegacy) this.#setLegacy(reply, claims)
  }

  /** Seconds, never fewer than any `t` that is told: RFC 9110, section 10.2.3. */
  setRetryAfter(reply: FastifyReply, retryUs: number): void {
    const least = Math.max(1, seconds(retryUs))
    reply.header('retry-after', `${least + Math.floor(Math.random() * (1 + Math.ceil(least * jitterShare)))}`)
  }

  /** Where some were exceeded, what is left is told of those alone: the others are not why the client is to wait. */
  #setDraft(
    reply: FastifyReply,
    policies: readonly PlacedPolicy[],
    claims: readonly Claim[],
    isExceeded: boolean,
  ): void {
    let told = ''
    let now = ''
    for (let i = 0; i < claims.length; i++) {
      const claim = claims[i]!
      if (claim.isShadow) continue
      const texts = this.#textsOf(policies[i]!)
      told = told === '' ? texts.policy(claim.limit) : `${told}, ${texts.policy(claim.limit)}`
      if (isExceeded && claim.isOk) continue
      now = now === '' ? texts.now(claim) : `${now}, ${texts.now(claim)}`
    }
    if (told === '') return
    reply.header('ratelimit-policy', told)
    reply.header('ratelimit', now)
  }

  /** One limit is all they tell: the one that is nearest to its end. */
  #setLegacy(reply: FastifyReply, claims: readonly Claim[]): void {
    let tightest: Claim | undefined
    for (const claim of claims) {
      if (claim.isShadow) continue
      if (!tightest || claim.retryUs > tightest.retryUs || (claim.isOk && claim.remaining < tightest.remaining))
        tightest = claim
    }
    if (!tightest) return
    reply.header('x-ratelimit-limit', `${tightest.limit}`)
    reply.header('x-ratelimit-remaining', `${tightest.remaining}`)
    reply.header('x-ratelimit-reset', `${seconds(tightest.resetUs)}`)
  }

  #textsOf(policy: PlacedPolicy): PolicyTexts {
    let texts = this.#texts.get(policy)
    if (!texts) {
      texts = new PolicyTexts(policy)
      this.#texts.set(policy, texts)
    }
    return texts
  }
}
