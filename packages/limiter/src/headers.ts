import type { FastifyReply } from 'fastify'
import type { PolicyClaim } from './claims.js'
import { codesOf, HeaderText } from './header-text.js'
import type { HeaderStyle } from './options.js'

/** How much later than it could a client is told to come, at most: so that not all come at once. */
const jitterShare = 0.1

const seconds = (us: number): number => Math.ceil(us / 1_000_000)

/** What a policy is told by, made once. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers */
export class PolicyTexts {
  readonly #name: string
  readonly #before: readonly number[]
  readonly #windowSeconds: number
  #list = ''
  #limit = -1
  #policy = ''

  constructor(name: string, windowMs: number) {
    this.#name = name
    this.#before = codesOf(`"${name}";r=`)
    this.#windowSeconds = Math.ceil(windowMs / 1_000)
  }

  /** A list of policies, and this one at its end. */
  policy(list: string, limit: number): string {
    if (limit !== this.#limit || list !== this.#list) {
      this.#list = list
      this.#limit = limit
      this.#policy = `${list}${list && ', '}"${this.#name}";q=${limit};w=${this.#windowSeconds}`
    }
    return this.#policy
  }

  now(text: HeaderText, remaining: number, resetUs: number): void {
    if (!text.isEmpty) text.add(comma)
    text.add(this.#before)
    text.addNumber(remaining)
    text.add(time)
    text.addNumber(seconds(resetUs))
  }
}

const comma = codesOf(', ')
const time = codesOf(';t=')

/** What replies are told of limits. */
export class Headers {
  readonly #isDraft: boolean
  readonly #isLegacy: boolean
  readonly #now: HeaderText = new HeaderText()

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
    for (let i = 0; i < claims.length; i++) {
      const { policy, limit, remaining, resetUs, isShadow, isOk } = claims[i]!
      if (isShadow) continue
      const { texts } = policy
      told = texts.policy(told, limit)
      if (!isExceeded || !isOk) texts.now(this.#now, remaining, resetUs)
    }
    if (told === '') return
    reply.header('ratelimit-policy', told)
    reply.header('ratelimit', this.#now.take())
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
