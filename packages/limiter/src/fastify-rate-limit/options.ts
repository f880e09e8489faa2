import * as given from '../given.js'
import { take, takeObject } from '../given.js'
import type { CommonOptions } from '../options.js'
import { client } from '../options.js'
import type { RedisLike } from '../stores/redis.js'
import type { OnRedisError } from '../stores/shared.js'

/** Those of the limiter that a store has. */
export interface StoreOptions
  extends Pick<CommonOptions, 'keyPrefix' | 'onRedisError' | 'redisTimeoutMs' | 'breaker' | 'instances' | 'maxKeys'> {
  /** A client of ioredis. */
  redis: RedisLike
}

export interface ResolvedStoreOptions {
  redis: RedisLike
  keyPrefix: string
  onRedisError: OnRedisError
  redisTimeoutMs: number
  breaker: { failures: number; resetMs: number }
  instances: number
  maxKeys: number
}

const keys = ['redis', 'keyPrefix', 'onRedisError', 'redisTimeoutMs', 'breaker', 'instances', 'maxKeys']

/**
 * @throws ERR_LIMITER_OPTION
 * @throws ERR_LIMITER_UNKNOWN_OPTION
 */
export function resolveStoreOptions(options: StoreOptions): ResolvedStoreOptions {
  takeObject('the options', options, keys, '')
  const { breaker = {}, redis } = options
  takeObject('breaker', breaker, ['failures', 'resetMs'])
  if (!client.test(redis)) given.fail('redis', client.must, typeof redis)
  return {
    redis,
    keyPrefix: take('keyPrefix', options.keyPrefix, given.keyPrefix, 'fastify-rate-limit-'),
    onRedisError: take('onRedisError', options.onRedisError, given.oneOf('local', 'open', 'closed'), 'local'),
    redisTimeoutMs: take('redisTimeoutMs', options.redisTimeoutMs, given.duration, 200),
    breaker: {
      failures: take('breaker.failures', breaker.failures, given.limit, 5),
      resetMs: take('breaker.resetMs', breaker.resetMs, given.duration, 2_000),
    },
    instances: take('instances', options.instances, given.limit, 1),
    maxKeys: take('maxKeys', options.maxKeys, given.limit, 5_000),
  }
}
