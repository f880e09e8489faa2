import type { FastifyReply } from 'fastify'
import type { PolicyClaim } from './claims.js'
import type { HeaderStyle } from './options.js'

/** How much later than it could a client is told to come, at most: so that not all come at once. */
const jitterShare = 0.1

const seconds = (us: number): number => Math.ceil(us / 1_000_000)

/** What a policy is told by, made once. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers */
export class PolicyTexts {
  readonly #name: string
  readonly #before: string
  readonly #windowSeconds: number
  #limit = -1
  #policy = ''
  #thousands = -1
  #beforeDigits = ''

  constructor(name: string, windowMs: number) {
    this.#name = name
    this.#before = `"${name}";r=`
    this.#windowSeconds = Math.ceil(windowMs / 1_000)
  }

  policy(limit: number): string {
    if (limit !== this.#limit) {
      this.#limit = limit
      this.#policy = `"${this.#name}";q=${limit};w=${this.#windowSeconds}`
    }
    return this.#policy
  }

  now(remaining: number, resetUs: number): string {
    const time = this.#time(Math.min(seconds(resetUs), this.#windowSeconds))
    if (remaining < 1_000) return this.#before + remaining + time
    const thousands = Math.floor(remaining / 1_000)
    if (thousands !== this.#thousands) {
      this.#thousands = thousands
      this.#beforeDigits = this.#before + thousands
    }
    return this.#beforeDigits + digits[remaining % 1_000] + time
  }

  #time(reset: number): string {
    return reset < times.length ? times[reset]! : `;t=${reset}`
  }
}

/** V8 has the texts of small numbers at hand, but not of large ones: those are put together. */
const digits: readonly string[] = Array.from({ length: 1_000 }, (_, i) => `${i}`.padStart(3, '0'))
const times: readonly string[] = Array.from({ length: 3_601 }, (_, i) => `;t=${i}`)

/** What replies are told of limits. */
export class Headers {
  readonly #isDraft: boolean
  readonly #isLegacy: boolean

  constructor(style: HeaderStyle) {
    this.#isDraft = style === 'draft' || style === 'both'
    this.#isLegacy = style === 'legacy' || style === 'both'
  }

  set(reply: FastifyReply, claims: readonly PolicyClaim[], isExceeded = false): void {
    if (this.#isDraft) this.#setDraft(reply, claims, isExceeded)
    if (this.#isLegacy) this.#setLegacy(reply, claims)
  }

  /** Seconds, never fewer than any `t` that is told: RFC 9110, section 10.2.3. */
  setRetryAfter(reply: FastifyReply, retryUs: number): void {
    const least = Math.max(1, seconds(retryUs))
    reply.header('retry-after', `${least + Math.floor(Math.random() * (1 + Math.ceil(least * jitterShare)))}`)
  }

  /** Where some were exceeded, what is left is told of those alone: the others are not why the client is to wait. */
  #setDraft(reply: FastifyReply, claims: readonly PolicyClaim[], isExceeded: boolean): void {
    let told = ''
    let now = ''
    for (let i = 0; i < claims.length; i++) {
      const { policy, limit, remaining, resetUs, isShadow, isOk } = claims[i]!
      if (isShadow) continue
      const { texts } = policy
      told = told === '' ? texts.policy(limit) : `${told}, ${texts.policy(limit)}`
      if (isExceeded && isOk) continue
      now = now === '' ? texts.now(remaining, resetUs) : `${now}, ${texts.now(remaining, resetUs)}`
    }
    if (told === '') return
    reply.header('ratelimit-policy', told)
    reply.header('ratelimit', now)
  }

  /** One limit is all they tell: the one that is nearest to its end. */
  #setLegacy(reply: FastifyReply, claims: readonly PolicyClaim[]): void {
    let tightest: PolicyClaim | undefined
    for (const claim of claims) {
      if (claim.isShadow) continue
      const isTighter = !tightest || claim.retryUs > tightest.retryUs
      if (isTighter || (claim.isOk && claim.remaining < tightest!.remaining)) tightest = claim
    }
    if (!tightest) return
    reply.header('x-ratelimit-limit', `${tightest.limit}`)
    reply.header('x-ratelimit-remaining', `${tightest.remaining}`)
    reply.header('x-ratelimit-reset', `${seconds(tightest.resetUs)}`)
  }
}
