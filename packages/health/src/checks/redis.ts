import { type CheckOptions, checkOptions, type HealthCheck } from '../check.js'
import * as rules from '../rules.js'
import { oneAtATime } from './one-at-a-time.js'

/** What is called of a client of Redis: ioredis (a Cluster too), or node-redis. */
export interface RedisLike {
  ping(): Promise<unknown>
}

/**
 * Sends PING to Redis.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function redisCheck(client: RedisLike, options: CheckOptions = {}): HealthCheck {
  rules.takeObject('redisCheck', options, checkOptions)
  if (typeof client?.ping !== 'function') rules.refuse('redisCheck(client)', 'a client of Redis', client)
  return { ...options, run: oneAtATime(async () => client.ping()) }
}
