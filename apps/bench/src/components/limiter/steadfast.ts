import limiter from '@steadfast/limiter'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import type { Limiter, LimiterOptions } from './measure.js'

/** Its way to be called by hand, with the algorithm of its peers. */
export async function start({ max, windowMs, prefix, redisUrl, isLeased }: LimiterOptions): Promise<Limiter> {
  const app = Fastify()
  await app.register(limiter, {
    policies: [{ name: 'hits', limit: max, windowMs, algorithm: 'fixed', lease: isLeased && {} }],
    ...(redisUrl && { redis: new Redis(redisUrl, { enableAutoPipelining: true }), keyPrefix: prefix }),
  })
  await app.ready()
  return {
    async consume(key) {
      const { isAllowed, policies } = await app.limiter.check(key, ['hits'])
      return isAllowed ? policies[0]!.remaining : -1
    },
  }
}
