import type { FastifyReply, FastifyRequest } from 'fastify'
import { defaultBurst } from './algorithms/gcra.js'
import { type EscalateOptions, type EscalateSettings, resolveEscalate } from './bans/options.js'
import * as given from './given.js'
import { take, takeObject } from './given.js'
import { type LeaseOptions, type LeaseSettings, resolveLease } from './lease/options.js'
import type { Algorithm } from './stores/bucket.js'

/** How long a request may wait, and how many may at once. */
export interface DelayOptions {
  /** A request that would have to wait for longer is refused. */
  maxMs: number
  /** Over all keys of the policy; what comes then is refused. */
  maxWaiting: number
}

/** A limit without its name. */
export interface LimitOptions {
  /** Hits that a key has in a window, or a function that tells it for a request. */
  limit: number | ((request: FastifyRequest) => number)
  /** With `concurrency`: for how long the slots of a process that has died are held. */
  windowMs: number
  /** Default `sliding`: never more than the limit in any window. `concurrency`: never more at the same time. */
  algorithm?: Algorithm
  /** How many at once, with `gcra`; it admits at most burst + elapsed × limit / windowMs. Default a tenth of the limit, rounded up. */
  burst?: number
  /** Whose hits are counted together; null: the policy is not for this request. Default the client's address. */
  key?: (request: FastifyRequest) => string | number | null
  /** Policies of one group, on whichever routes, count together. */
  group?: string
  /** What a request counts for. Default 1. */
  cost?: number | ((request: FastifyRequest) => number)
  /** Default `onRequest`, before the body is read; `preHandler` knows who the user is. */
  at?: 'onRequest' | 'preHandler'
  /** What a request has counted for is told when it is answered; before, there must be room for one. */
  settle?: (request: FastifyRequest, reply: FastifyReply) => number
  /** What happens to a request that is too many. Default `reject`. */
  mode?: 'reject' | { delay: DelayOptions }
  /** It is counted, but nobody is refused. Default false. */
  shadow?: boolean
  /** Where limits lie in Redis, an instance takes tokens of them in advance and spends them by itself: `{}`. Default false. */
  lease?: LeaseOptions | false
  /** Whoever goes on although it is refused is banned: answered 403 wherever the policy holds, for longer each time. Not in shadow mode. */
  escalate?: EscalateOptions
}

export interface Policy extends LimitOptions {
  /** Different from those of the other policies that a request meets. It is told to clients. */
  name: string
}

export interface ResolvedPolicy {
  name: string
  limit: number | ((request: FastifyRequest) => number)
  windowMs: number
  algorithm: Algorithm
  /** Unknown as long as the limit is. */
  burst: number | undefined
  key: ((request: FastifyRequest) => unknown) | undefined
  group: string | undefined
  cost: number | ((request: FastifyRequest) => number)
  at: 'onRequest' | 'preHandler'
  settle: ((request: FastifyRequest, reply: FastifyReply) => number) | undefined
  delay: DelayOptions | undefined
  isShadow: boolean
  lease: LeaseSettings | undefined
  escalate: EscalateSettings | undefined
}

export const limitKeys = [
  'limit',
  'windowMs',
  'algorithm',
  'burst',
  'key',
  'group',
  'cost',
  'at',
  'settle',
  'mode',
  'shadow',
  'lease',
  'escalate',
] as const

/**
 * `of` leads the names in messages.
 * @throws ERR_LIMITER_OPTION
 * @throws ERR_LIMITER_UNKNOWN_OPTION
 */
export function resolvePolicy(of: string, policy: LimitOptions & { name?: string }, name?: string): ResolvedPolicy {
  takeObject(of || 'the limit', policy, name === undefined ? ['name', ...limitKeys] : limitKeys, of)
  const at = (key: string) => (of ? `${of}.${key}` : key)
  const need = <T>(key: string, value: T | undefined, rule: given.Rule): T =>
    value === undefined ? given.fail(at(key), rule.must, value) : (take(at(key), value, rule) as T)
  const limit = need('limit', policy.limit, given.orCallable(given.limit))
  const windowMs = need('windowMs', policy.windowMs, given.window)
  const algorithm = take(
    at('algorithm'),
    policy.algorithm,
    given.oneOf('sliding', 'gcra', 'fixed', 'concurrency'),
    'sliding',
  )
  const burst = take(at('burst'), policy.burst, given.limit)
  if (burst !== undefined && algorithm !== 'gcra') given.fail(at('burst'), "set with algorithm 'gcra' only", burst)
  const settle = take(at('settle'), policy.settle, given.callable)
  const delay = resolveDelay(at('mode'), policy.mode)
  if (settle && delay) given.fail(at('mode'), "'reject' where settle is set", policy.mode)
  const cost = take(at('cost'), policy.cost, given.orCallable(given.cost))
  if (settle && cost !== undefined) given.fail(at('cost'), 'left out where settle tells it', cost)
  checkCost(at('cost'), cost, { limit, burst, algorithm })
  const lease = resolveLease(at('lease'), policy.lease)
  // What is taken in advance could be spent on top of a full burst.
  if (lease && algorithm === 'gcra') given.fail(at('lease'), "left out with algorithm 'gcra'", policy.lease)
  if (algorithm === 'concurrency') {
    for (const key of ['settle', 'mode', 'lease'] as const)
      if (policy[key] !== undefined) given.fail(at(key), "left out with algorithm 'concurrency'", policy[key])
  }
  if (lease && settle) given.fail(at('lease'), 'left out where settle is set', policy.lease)
  return {
    name: name ?? need('name', policy.name, given.name),
    limit,
    windowMs,
    algorithm,
    burst: burst ?? (typeof limit === 'number' ? defaultBurst(limit) : undefined),
    key: take(at('key'), policy.key, given.callable),
    group: take(at('group'), policy.group, given.name),
    cost: cost ?? 1,
    at: take(at('at'), policy.at, given.oneOf('onRequest', 'preHandler'), 'onRequest'),
    settle,
    delay,
    isShadow: take(at('shadow'), policy.shadow, given.flag, false),
    lease,
    escalate: resolveEscalate(at('escalate'), policy.escalate),
  }
}

type Room = Pick<ResolvedPolicy, 'limit' | 'burst' | 'algorithm'>

/** @throws ERR_LIMITER_OPTION if a request never could pass */
export function checkCost(
  of: string,
  cost: ResolvedPolicy['cost'] | undefined,
  { limit, burst, algorithm }: Room,
): void {
  if (typeof cost !== 'number' || typeof limit !== 'number') return
  const most = algorithm === 'gcra' ? (burst ?? defaultBurst(limit)) : limit
  if (cost > most) given.fail(of, `at most the ${algorithm === 'gcra' ? 'burst' : 'limit'}, ${most}`, cost)
}

function resolveDelay(name: string, mode: LimitOptions['mode']): DelayOptions | undefined {
  if (mode === undefined || mode === 'reject') return undefined
  if (typeof mode !== 'object' || mode === null) given.fail(name, "'reject' or { delay: { maxMs, maxWaiting } }", mode)
  const { delay } = takeObject(name, mode, ['delay'])
  takeObject(`${name}.delay`, delay, ['maxMs', 'maxWaiting'])
  for (const key of ['maxMs', 'maxWaiting'] as const) {
    const rule = key === 'maxMs' ? given.duration : given.limit
    if (!rule.test(delay[key])) given.fail(`${name}.delay.${key}`, rule.must, delay[key])
  }
  return delay
}

/** @throws ERR_LIMITER_OPTION if two have one name, or one group */
export function checkDifferent(of: string, policies: readonly ResolvedPolicy[]): void {
  const names = policies.map(({ name }) => name)
  if (new Set(names).size < names.length) given.fail(of, 'policies of different names', names)
  const groups = policies.flatMap(({ group }) => group ?? [])
  if (new Set(groups).size < groups.length) given.fail(of, 'policies of different groups', groups)
}
