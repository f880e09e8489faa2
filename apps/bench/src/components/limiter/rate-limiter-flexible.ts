import { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Limiter, LimiterOptions } from './measure.js'

export async function start({ max, windowMs, prefix, redisUrl }: LimiterOptions): Promise<Limiter> {
  const limits = { points: max, duration: windowMs / 1_000, keyPrefix: prefix }
  const limiter = redisUrl
    ? new RateLimiterRedis({
        ...limits,
        storeClient: new Redis(redisUrl, { enableAutoPipelining: true }),
        inMemoryBlockOnConsumed: max + 1, // its readme: no call to Redis for who is over the limit
      })
    : new RateLimiterMemory(limits)
  return {
    consume: (key) =>
      limiter.consume(key).then(
        ({ remainingPoints }: RateLimiterRes) => remainingPoints,
        (denied: RateLimiterRes | Error) => {
          if (denied instanceof Error) throw denied
          return -1
        },
      ),
  }
}
