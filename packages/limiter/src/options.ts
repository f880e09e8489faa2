import type { FastifyRequest } from 'fastify'
import { AddressRanges } from './address/ranges.js'
import * as given from './given.js'
import { take, takeObject } from './given.js'
import {
  checkDifferent,
  type LimitOptions,
  limitKeys,
  type Policy,
  type ResolvedPolicy,
  resolvePolicy,
} from './policy.js'
import type { RedisLike } from './stores/redis.js'
import type { OnRedisError } from './stores/shared.js'

/** Addresses and CIDR ranges, or a function that tells it for a request. */
export type AddressList = string[] | ((request: FastifyRequest) => boolean)

export type HeaderStyle = 'draft' | 'legacy' | 'both' | false

/** Everything but the limits. */
export interface CommonOptions {
  /** A client of ioredis, by which all instances count together. Default memory, of this process alone. */
  redis?: RedisLike
  /** What names of keys in Redis begin with. Default `limiter:`. */
  keyPrefix?: string
  /** Who is not limited. */
  allow?: AddressList
  /** Who is answered 403. */
  deny?: AddressList
  /** How many bits of an IPv6 address make a client. Default 64. */
  ipv6Prefix?: number
  /**
   * What happens to a request whose limit can't be checked in Redis. local: this process counts by itself, up to its share of the
   * limit. open: it passes. closed: 503. Default `local`.
   */
  onRedisError?: OnRedisError
  /** How long Redis may take. Default 200. */
  redisTimeoutMs?: number
  /** After so many failures in a row (default 5) Redis is not asked, but once every `resetMs` (default 2000). */
  breaker?: { failures?: number; resetMs?: number }
  /** How many processes share the limits: what `local` divides by. Default 1. */
  instances?: number
  /** Default `draft`: RateLimit and RateLimit-Policy. legacy: X-RateLimit-*. */
  headers?: HeaderStyle
  /** Answers by itself, by RFC 9457, instead of throwing into the error handler. Default false. */
  problem?: boolean
  /** Nobody is refused, whatever the policies say; all is counted. Default false. */
  shadow?: boolean
  /** Whether what no route takes is limited, by the policies of the plugin. Default true. */
  notFound?: boolean
  /** How many keys of each policy memory keeps; the oldest goes for a new one. Default 1000000. */
  maxKeys?: number
  /** Whether `app.limiter.ban` may be called where there is `redis`, and this instance looks for bans of others; `escalate` has it looked for as well. Default false. */
  bans?: boolean
}

export type LimiterOptions = CommonOptions & (LimitOptions | { policies?: Policy[] })

/** What a route's config says. */
export type RouteLimiterOptions =
  | (LimitOptions & { inherit?: boolean })
  | { policies?: Policy[]; cost?: LimitOptions['cost']; inherit?: boolean }

export type ListOf = (request: FastifyRequest) => boolean

export interface ResolvedLimiterOptions {
  policies: ResolvedPolicy[]
  redis: RedisLike | undefined
  keyPrefix: string
  allow: ListOf | undefined
  deny: ListOf | undefined
  ipv6Prefix: number
  onRedisError: OnRedisError
  redisTimeoutMs: number
  breaker: { failures: number; resetMs: number }
  instances: number
  headers: HeaderStyle
  isProblem: boolean
  isShadow: boolean
  notFound: boolean
  maxKeys: number
  bans: boolean
}

const commonKeys = [
  'redis',
  'keyPrefix',
  'allow',
  'deny',
  'ipv6Prefix',
  'onRedisError',
  'redisTimeoutMs',
  'breaker',
  'instances',
  'headers',
  'problem',
  'shadow',
  'notFound',
  'maxKeys',
  'bans',
] as const

export const client: given.Rule = {
  must: 'a client of ioredis',
  test: (value) => ['evalsha', 'eval', 'del'].every((name) => typeof (value as never)?.[name] === 'function'),
}

/**
 * @throws ERR_LIMITER_OPTION
 * @throws ERR_LIMITER_UNKNOWN_OPTION
 */
export function resolveOptions(options: LimiterOptions): ResolvedLimiterOptions {
  takeObject('the options', options, [...limitKeys, 'policies', ...commonKeys], '')
  const { breaker = {}, shadow, ...rest } = options
  takeObject('breaker', breaker, ['failures', 'resetMs'])
  if (options.redis !== undefined && !client.test(options.redis)) given.fail('redis', client.must, typeof options.redis)
  const isShadow = take('shadow', shadow, given.flag, false)
  const policies = resolveLimits('', rest)
  return {
    policies: isShadow ? policies.map((policy) => ({ ...policy, isShadow })) : policies,
    redis: options.redis,
    keyPrefix: take('keyPrefix', options.keyPrefix, given.keyPrefix, 'limiter:'),
    allow: resolveList('allow', options.allow),
    deny: resolveList('deny', options.deny),
    ipv6Prefix: take('ipv6Prefix', options.ipv6Prefix, given.prefixBits, 64),
    onRedisError: take('onRedisError', options.onRedisError, given.oneOf('local', 'open', 'closed'), 'local'),
    redisTimeoutMs: take('redisTimeoutMs', options.redisTimeoutMs, given.duration, 200),
    breaker: {
      failures: take('breaker.failures', breaker.failures, given.limit, 5),
      resetMs: take('breaker.resetMs', breaker.resetMs, given.duration, 2_000),
    },
    instances: take('instances', options.instances, given.limit, 1),
    headers: take('headers', options.headers, given.oneOf('draft', 'legacy', 'both', false), 'draft' as HeaderStyle),
    isProblem: take('problem', options.problem, given.flag, false),
    isShadow,
    notFound: take('notFound', options.notFound, given.flag, true),
    maxKeys: take('maxKeys', options.maxKeys, given.limit, 1_000_000),
    bans: take('bans', options.bans, given.flag, false),
  }
}

/** A limit, or a list of policies, or neither; `of` leads the names in messages. */
export function resolveLimits(of: string, options: object): ResolvedPolicy[] {
  const { policies, ...rest } = options as { policies?: Policy[] } & LimitOptions
  const limit = Object.fromEntries(Object.entries(rest).filter(([key]) => limitKeys.includes(key as never)))
  const name = of ? `${of}.policies` : 'policies'
  if (policies === undefined) {
    return Object.keys(limit).length > 0 ? [resolvePolicy(of, limit as unknown as LimitOptions, 'default')] : []
  }
  if (Object.keys(limit).length > 0) given.fail(name, `left out where there is ${Object.keys(limit)[0]}`, policies)
  if (!Array.isArray(policies)) given.fail(name, 'a list of policies', policies)
  const resolved = policies.map((policy, i) => resolvePolicy(`${name}[${i}]`, policy))
  checkDifferent(name, resolved)
  return resolved
}

function resolveList(name: string, list: AddressList | undefined): ListOf | undefined {
  if (list === undefined) return undefined
  if (typeof list === 'function') {
    take(name, list, given.callable)
    return (request) => {
      const isIn: unknown = list(request)
      if (typeof isIn !== 'boolean') throw new TypeError(`${name} must return true or false, not ${given.told(isIn)}`)
      return isIn
    }
  }
  const must = "addresses and CIDR ranges, as ['10.0.0.0/8', '::1'], or a function that is not async"
  if (!Array.isArray(list)) given.fail(name, must, list)
  const ranges = new AddressRanges(list, (range) => given.fail(name, must, range))
  return (request) => ranges.has(request.ip)
}
