import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyRequest } from 'fastify'
import { Redis } from 'ioredis'
import type { Limiter, LimiterOptions } from './measure.js'

/** Its own way to be called by hand, on the part of a request that it looks at. */
export async function start({ max, windowMs, prefix, redisUrl }: LimiterOptions): Promise<Limiter> {
  const app = Fastify()
  await app.register(rateLimit, {
    global: false,
    max,
    timeWindow: windowMs,
    cache: 20_000,
    keyGenerator: (request) => request.headers.client as string,
    ...(redisUrl && {
      redis: new Redis(redisUrl, { connectTimeout: 500, maxRetriesPerRequest: 1, enableAutoPipelining: true }),
      nameSpace: prefix,
    }),
  })
  await app.ready()
  const check = app.createRateLimit()
  return {
    async consume(key) {
      const request = { headers: { client: key }, routeOptions: {} } as unknown as FastifyRequest
      const result = await check(request)
      if (result.isAllowed) throw new Error('it let a request pass without a look at its limit')
      return result.isExceeded ? -1 : result.remaining
    },
  }
}
