import type { FastifyReply } from 'fastify'
import type { PolicyClaim, PolicyHit } from './claims.js'
import { flatText, LimitText } from './header-text.js'
import type { HeaderStyle } from './options.js'
import type { ResolvedPolicy } from './policy.js'
import { ReplyHeaders } from './reply-headers.js'

/** How much later than it could a client is told to come, at most: so that not all come at once. */
const jitterShare = 0.1

const { fromCharCode } = String

const seconds = (us: number): number => Math.ceil(us / 1_000_000)

/** What a policy is told by, made once. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers */
export class PolicyTexts {
  readonly #name: string
  readonly #windowSeconds: number
  readonly #now: LimitText
  /** The policy, where it is the only one and its limit is a number. */
  readonly alone: string
  #list = ''
  #limit = -1
  #policy = ''

  constructor(name: string, windowMs: number, limit: ResolvedPolicy['limit']) {
    this.#name = name
    this.#now = new LimitText(name)
    this.#windowSeconds = Math.ceil(windowMs / 1_000)
    this.alone = typeof limit === 'number' ? this.policy('', limit) : ''
  }

  /** A list of policies, and this one at its end. */
  policy(list: string, limit: number): string {
    if (limit !== this.#limit || list !== this.#list) this.#build(list, limit)
    return this.#policy
  }

  #build(list: string, limit: number): void {
    this.#list = list
    this.#limit = limit
    this.#policy = `${list}${list && ', '}"${this.#name}";q=${limit};w=${this.#windowSeconds}`
  }

  /** What is left, as character codes that hold until the next call. */
  now(remaining: number, resetUs: number): number[] {
    return this.#now.tell(remaining, seconds(resetUs))
  }

  /** The same as a text: the codes are few, as names are short. */
  text(remaining: number, resetUs: number): string {
    return fromCharCode.apply(null, this.#now.tell(remaining, Math.ceil(resetUs / 1_000_000)))
  }
}

function append(list: number[], codes: readonly number[]): number[] {
  list.push(44, 32) // comma, blank
  for (const code of codes) list.push(code)
  return list
}

/** What replies are told of limits. */
export class Headers {
  readonly #isDraft: boolean
  readonly #isLegacy: boolean
  readonly #reply = new ReplyHeaders()

  constructor(style: HeaderStyle) {
    this.#isDraft = style === 'draft' || style === 'both'
    this.#isLegacy = style === 'legacy' || style === 'both'
  }

  /** Of a plain policy alone that is enforced, and was not exceeded. */
  setPlain(reply: FastifyReply, { policy, remaining, resetUs }: PolicyHit): void {
    if (this.#isDraft) this.#reply.setDraft(reply, policy.texts.alone, policy.texts.text(remaining, resetUs))
    if (this.#isLegacy) this.#setLegacyOne(reply, policy.limit, remaining, resetUs)
  }

  /** What `setPlain` calls where there is no more to it. */
  get draft(): ReplyHeaders | undefined {
    return this.#isDraft && !this.#isLegacy ? this.#reply : undefined
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
    let now: number[] | undefined
    let first: number[] | undefined
    for (let i = 0; i < claims.length; i++) {
      const { policy, limit, remaining, resetUs, isShadow, isOk } = claims[i]!
      if (isShadow) continue
      const { texts } = policy
      told = texts.policy(told, limit)
      if (isExceeded && isOk) continue
      const codes = texts.now(remaining, resetUs)
      first ??= codes
      now = now ? append(now === first ? [...now] : now, codes) : codes
    }
    if (now) this.#reply.setDraft(reply, told, flatText(now))
  }

  /** One limit is all they tell: the one that is nearest to its end. */
  #setLegacy(reply: FastifyReply, claims: readonly PolicyClaim[]): void {
    let tightest: PolicyClaim | undefined
    for (const claim of claims) {
      if (claim.isShadow) continue
      const isTighter = !tightest || claim.retryUs > tightest.retryUs
      if (isTighter || (claim.isOk && claim.remaining < tightest!.remaining)) tightest = claim
    }
    if (tightest) this.#setLegacyOne(reply, tightest.limit, tightest.remaining, tightest.resetUs)
  }

  #setLegacyOne(reply: FastifyReply, limit: number, remaining: number, resetUs: number): void {
    reply.header('x-ratelimit-limit', `${limit}`)
    reply.header('x-ratelimit-remaining', `${remaining}`)
    reply.header('x-ratelimit-reset', `${seconds(resetUs)}`)
  }
}
