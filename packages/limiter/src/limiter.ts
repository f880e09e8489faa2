import type { Subject } from './bans/ban.js'
import { subjectOf } from './bans/bans.js'
import { type ClaimMaker, claimOf, type PolicyClaim } from './claims.js'
import type { Engine } from './engine.js'
import { UnavailableError, UnknownPolicyError } from './errors.js'
import type { LimiterEvents } from './events.js'
import type { Gates } from './gates.js'
import { methodsOf } from './gates.js'
import * as given from './given.js'
import type { Hook } from './hooks.js'
import { checkedKey } from './key.js'
import type { RouteLimiterOptions } from './options.js'
import { checkDifferent, type Policy, resolvePolicy } from './policy.js'
import { resolveRoute } from './route-config.js'
import type { PlacedPolicy } from './scope.js'
import type { Stage } from './stage.js'
import type { LimiterStats } from './stats.js'

/** What a policy says to `check` and `peek`. */
export interface CheckedPolicy {
  name: string
  isExceeded: boolean
  limit: number
  remaining: number
  /** Until there is more. */
  resetMs: number
}

export interface CheckResult {
  isAllowed: boolean
  /** When it would be; 0 if it is. */
  retryAfterMs: number
  policies: CheckedPolicy[]
}

/** `app.limiter` */
export interface Limiter {
  /**
   * Counts a hit of a subject, such as a user's id, if all policies have room for it; else none of them counts it.
   * @param policies names of the plugin's, or policies whose limit is a number
   * @param cost default that of each policy; 1 where a function tells it
   * @throws ERR_LIMITER_UNKNOWN_POLICY
   * @throws ERR_LIMITER_UNAVAILABLE with `onRedisError: 'closed'`, if Redis does not answer
   */
  check(subject: string, policies: (string | Policy)[], cost?: number): Promise<CheckResult>
  /** The same, but counts nothing. */
  peek(subject: string, policies: (string | Policy)[], cost?: number): Promise<CheckResult>
  /**
   * Forgets what a subject has used. Processes that know it is blocked may go on to refuse it until it would not be any more.
   * @throws ERR_LIMITER_UNAVAILABLE if Redis does not answer
   */
  reset(subject: string, policies: (string | Policy)[]): Promise<void>
  /**
   * Bans a subject from policies: wherever they hold, its requests are answered 403, on every instance within a second.
   * @param policies names, of the plugin's or of routes': all policies of a name are meant; or policies as `check` takes them
   * @param banMs from now on; it replaces what was left of another ban
   * @throws ERR_LIMITER_UNAVAILABLE if Redis does not answer; it holds in this process, and on all once Redis can be told
   */
  ban(subject: string, policies: (string | Policy)[], banMs: number): Promise<void>
  /**
   * Lifts a ban, and forgets what led to it.
   * @param policies as with `ban`
   * @throws ERR_LIMITER_UNAVAILABLE if Redis does not answer; it is lifted in this process alone
   */
  unban(subject: string, policies: (string | Policy)[]): Promise<void>
  /** A hook with limits of its own, for onRequest or preHandler of routes; it counts for each route apart. */
  hook(options: RouteLimiterOptions): Hook
  stats(): LimiterStats
  on<Name extends keyof LimiterEvents>(event: Name, listener: (event: LimiterEvents[Name]) => void): this
  off<Name extends keyof LimiterEvents>(event: Name, listener: (event: LimiterEvents[Name]) => void): this
}

export class AppLimiter implements Limiter {
  readonly #engine: Engine
  readonly #gates: Gates
  readonly #maker: ClaimMaker

  constructor(engine: Engine, gates: Gates) {
    this.#engine = engine
    this.#gates = gates
    this.#maker = gates.maker
  }

  async check(subject: string, policies: (string | Policy)[], cost?: number): Promise<CheckResult> {
    return this.#decide(subject, policies, cost, true)
  }

  async peek(subject: string, policies: (string | Policy)[], cost?: number): Promise<CheckResult> {
    return this.#decide(subject, policies, cost, false)
  }

  async ban(subject: string, policies: (string | Policy)[], banMs: number): Promise<void> {
    if (banMs === undefined) given.fail('banMs', given.window.must, banMs)
    given.take('banMs', banMs, given.window)
    await this.#forEach(subject, policies, (one, done) => this.#engine.bans.ban(one, banMs, done))
  }

  async unban(subject: string, policies: (string | Policy)[]): Promise<void> {
    await this.#forEach(subject, policies, (one, done) => this.#engine.bans.unban(one, done))
  }

  async reset(subject: string, policies: (string | Policy)[]): Promise<void> {
    const all = this.#policiesOf(policies).map((policy) => this.#reset(policy, this.#keyOf(policy, subject)))
    await Promise.all(all)
  }

  hook(options: RouteLimiterOptions): Hook {
    const common = this.#engine.options
    const { own } = resolveRoute('the hook', { inherit: false, ...options } as RouteLimiterOptions, common)
    for (const { settle } of own) if (settle) given.fail('settle of the hook', 'set in the config of a route', settle)
    if (own.length === 0) given.fail('the hook', 'given a limit, or policies', options)
    const stages = new Map<string, Stage>()
    const gates = this.#gates
    return function limitByHook(request, reply, done) {
      if (gates.of(request).isProbe) return done()
      const { method, url = '*' } = request.routeOptions
      const route = `${methodsOf(method ?? 'GET')} ${url}`
      let stage = stages.get(route)
      if (!stage) {
        stage = gates.stageOf(gates.place(own, ['hook', route]))
        stages.set(route, stage)
      }
      stage.run(request, reply, done)
    }
  }

  stats(): LimiterStats {
    return this.#engine.stats()
  }

  on<Name extends keyof LimiterEvents>(event: Name, listener: (event: LimiterEvents[Name]) => void): this {
    this.#engine.events.on(event, listener)
    return this
  }

  off<Name extends keyof LimiterEvents>(event: Name, listener: (event: LimiterEvents[Name]) => void): this {
    this.#engine.events.off(event, listener)
    return this
  }

  #decide(
    subject: string,
    given: (string | Policy)[],
    cost: number | undefined,
    isCharged: boolean,
  ): Promise<CheckResult> {
    const claims = this.#policiesOf(given).map((policy) => this.#claimOf(policy, subject, cost, isCharged))
    if (this.#engine.bans.table.fails(claims)) return Promise.resolve(this.#resultOf(claims, false))
    return new Promise((resolve, reject) => {
      this.#engine.decide(claims, (outcome) => {
        if (outcome === 'closed') reject(new UnavailableError())
        else {
          // Nobody has counted, so nobody has used any.
          if (outcome === 'open') for (const claim of claims) claim.remaining = claim.limit
          if (outcome === 'exceeded' && isCharged) this.#tellExceeded(claims)
          resolve(this.#resultOf(claims, outcome !== 'exceeded'))
        }
      })
    })
  }

  #resultOf(claims: PolicyClaim[], isAllowed: boolean): CheckResult {
    return {
      isAllowed,
      retryAfterMs: isAllowed ? 0 : retryAfterMsOf(violated(claims)),
      policies: claims.map(({ policy: { name }, isOk, limit, remaining, resetUs }) => ({
        name,
        isExceeded: !isOk,
        limit,
        remaining,
        resetMs: Math.ceil(resetUs / 1_000),
      })),
    }
  }

  #tellExceeded(claims: PolicyClaim[]): void {
    const { counts, events, bans } = this.#engine
    const over = violated(claims)
    const policies = over.map(({ policy }) => policy.name)
    for (const name of policies) counts.exceeded[name] = (counts.exceeded[name] ?? 0) + 1
    const retryAfterMs = retryAfterMsOf(over)
    events.emit('exceeded', { policies, key: over[0]!.key, retryAfterMs, isShadow: false, request: undefined })
    bans.offend(over)
  }

  async #forEach(
    subject: string,
    policies: (string | Policy)[],
    act: (one: Subject, done: (error?: unknown) => void) => void,
  ): Promise<void> {
    const placed = this.#policiesOf(policies, this.#gates.everyPolicy)
    const subjects = placed.map((policy) => subjectOf(policy, this.#keyOf(policy, subject)))
    if (!this.#engine.sharesBans)
      given.fail('bans', 'true, or a policy given escalate, so that bans hold on every instance', false)
    await Promise.all(subjects.map((one) => orUnavailable((done) => act(one, done))))
  }

  /** @param named those that a name may mean */
  #policiesOf(policies: (string | Policy)[], named = this.#gates.policies): PlacedPolicy[] {
    if (!Array.isArray(policies) || policies.length === 0)
      given.fail('policies', 'a list of names or policies', policies)
    const found = policies.map((policy, i) => {
      if (typeof policy !== 'string')
        return this.#engine.places.put([resolvePolicy(`policies[${i}]`, policy)], ['plugin', ''])
      const known = named.filter(({ name }) => name === policy)
      if (known.length > 0) return known
      throw new UnknownPolicyError(policy, [...new Set(named.map(({ name }) => name))].join(', ') || 'none')
    })
    checkDifferent(
      'policies',
      found.map(([first]) => first!),
    )
    return found.flat()
  }

  #claimOf(policy: PlacedPolicy, subject: string, cost: number | undefined, isCharged: boolean): PolicyClaim {
    if (typeof policy.limit !== 'number')
      given.fail(`the limit of "${policy.name}"`, 'a number, without a request', policy.limit)
    if (isCharged && policy.algorithm === 'concurrency')
      given.fail(`the algorithm of "${policy.name}"`, 'one that counts hits: slots are for requests', policy.algorithm)
    const own = typeof policy.cost === 'number' ? policy.cost : 1
    const claim = claimOf(policy, this.#keyOf(policy, subject), policy.limit, given.take('cost', cost, given.cost, own))
    claim.charge = isCharged ? claim.need : 0
    return claim
  }

  #keyOf(policy: PlacedPolicy, subject: string): string {
    if (typeof subject !== 'string') given.fail('the subject', 'a text', subject)
    return policy.key ? checkedKey(subject)! : this.#maker.keyOf(subject)
  }

  async #reset({ bucket }: PlacedPolicy, key: string): Promise<void> {
    await orUnavailable((done) => this.#engine.reset(bucket, key, done))
    this.#engine.lines.hurry(bucket.prefix + key)
  }
}

const violated = (claims: PolicyClaim[]): PolicyClaim[] => claims.filter(({ isOk, isShadow }) => !isOk && !isShadow)

const retryAfterMsOf = (over: PolicyClaim[]): number =>
  Math.ceil(Math.max(...over.map(({ retryUs }) => retryUs)) / 1_000)

/** @throws ERR_LIMITER_UNAVAILABLE if Redis fails */
function orUnavailable(act: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    act((error) => (error === undefined ? resolve() : reject(Object.assign(new UnavailableError(), { cause: error }))))
  })
}
