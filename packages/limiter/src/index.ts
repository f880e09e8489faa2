import type { Limiter } from './limiter.js'
import type { RouteLimiterOptions } from './options.js'
import type { RequestLimit } from './state.js'

export type { EscalateOptions } from './bans/options.js'
export type { BannedEvent, DegradedEvent, ExceededEvent, LimiterEvents } from './events.js'
export type { LeaseOptions } from './lease/options.js'
export type { CheckedPolicy, CheckResult, Limiter } from './limiter.js'
export type { AddressList, CommonOptions, HeaderStyle, LimiterOptions, RouteLimiterOptions } from './options.js'
export { default } from './plugin.js'
export type { DelayOptions, LimitOptions, Policy } from './policy.js'
export type { LimitExceeded } from './refusal.js'
export type { RequestLimit } from './state.js'
export type { LimiterStats } from './stats.js'
export type { Algorithm } from './stores/bucket.js'
export type { RedisLike } from './stores/redis.js'
export type { OnRedisError } from './stores/shared.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Limits, by hand and for routes; by @steadfast/limiter. */
    limiter: Limiter
  }

  interface FastifyRequest {
    /** What is left for this request's client, by policy. */
    readonly limits: Record<string, RequestLimit>
  }

  interface FastifyContextConfig {
    /** Limits of this route. `false`: it has none. */
    limiter?: RouteLimiterOptions | false
  }
}
