import type { LimiterOptions, Policy } from '@steadfast/limiter'
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, preHandlerHookHandler } from 'fastify'
import { presentedKey } from '../keys/authenticate.js'
import type { Tier } from '../keys/repository.js'
import type { SharedRedis } from '../redis/redis.js'
import type { Clients } from './clients.js'

const windowMs = 60_000

/** All in a minute. */
export interface Limits {
  /** Requests of an address. */
  address: number
  /** Answers of 404 that an address gets, before it is taken for one that tries codes. */
  notFound: number
  /** Keys that are not valid, of an address. */
  failedKeys: number
  /** Requests of a key of the tier standard. */
  key: number
  /** Links that such a key makes. */
  creates: number
}

const timesStandard: Record<Tier, number> = { standard: 1, high: 10, unlimited: Infinity }

const isApi = ({ routeOptions }: FastifyRequest) => routeOptions.url?.startsWith('/api/') === true

/** Limits of all that is not the API, by address. */
export function limiterOptions(
  { address, notFound }: Limits,
  clients: Clients,
  redis: SharedRedis | undefined,
  instances: number,
): LimiterOptions {
  const client = (request: FastifyRequest) => (isApi(request) ? null : clients.nameOf(request.ip))
  const policies: Policy[] = [
    { name: 'address', limit: address, windowMs, key: client },
    {
      name: 'not-found',
      limit: notFound,
      windowMs,
      key: client,
      settle: (_, reply) => (reply.statusCode === 404 ? 1 : 0),
    },
  ]
  if (!redis) return { policies }
  return { policies, redis: redis.client, keyPrefix: `${redis.prefix}limiter:`, instances }
}

/** Hooks around the API's authentication. */
export interface ApiLimits {
  /** Once it is known that the key is not valid, so that a good one is never held up by bad ones. */
  failedKeys: onRequestHookHandler
  /** Once it is known who asks. */
  key: onRequestHookHandler
  /** Once the body is read. */
  creates: preHandlerHookHandler
}

export function apiLimits(app: FastifyInstance, { failedKeys, key, creates }: Limits, clients: Clients): ApiLimits {
  const factor = ({ apiKey }: FastifyRequest) => timesStandard[apiKey.tier]
  const ofKey = (request: FastifyRequest) => (factor(request) === Infinity ? null : `${request.apiKey.id}`)
  const hookOf = (name: string, policy: Omit<Policy, 'name' | 'windowMs'>) =>
    app.limiter.hook({ policies: [{ name, group: name, windowMs, ...policy }] })
  return {
    failedKeys: hookOf('failed-keys', {
      limit: failedKeys,
      key: (request) => (request.apiKey || !presentedKey(request) ? null : clients.nameOf(request.ip)),
    }),
    key: hookOf('key', { limit: (request) => key * factor(request), key: ofKey }),
    creates: hookOf('creates', {
      limit: (request) => creates * factor(request),
      key: ofKey,
      cost: ({ body }) => (body as { links?: unknown[] }).links?.length ?? 1,
    }),
  }
}
