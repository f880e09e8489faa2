import { UnavailableError } from '../errors.js'
import { joinParts } from '../stores/bucket.js'
import { keyOf, numbersOf } from '../stores/redis.js'
import { SharedStore } from '../stores/shared.js'
import { resolveStoreOptions, type StoreOptions } from './options.js'
import { windowScript } from './script.js'
import { type Extension, type Window, Windows } from './windows.js'

export type { StoreOptions } from './options.js'
export type { Window } from './windows.js'

type Callback = (error: Error | null, result?: Window) => void

/** What @fastify/rate-limit calls of a store. */
export interface RateLimitStore {
  incr(key: string, callback: Callback, timeWindow: number, max: number): void
  read(key: string, callback: Callback, timeWindow: number, max: number): void
  child(routeOptions: object): RateLimitStore
}

interface RouteOptions extends Partial<Extension> {
  groupId?: string
  routeInfo?: { method?: string | string[]; url?: string }
}

/**
 * A store for the `store` option of @fastify/rate-limit: its own counting, with a deadline, a breaker, and a stated fallback for Redis.
 * @throws ERR_LIMITER_OPTION
 * @throws ERR_LIMITER_UNKNOWN_OPTION
 */
export function rateLimitStore(options: StoreOptions): new (globalOptions: object) => RateLimitStore {
  const { redis, keyPrefix, onRedisError, redisTimeoutMs, breaker, instances, maxKeys } = resolveStoreOptions(options)
  const shared = new SharedStore({
    client: redis,
    timeoutMs: redisTimeoutMs,
    breaker,
    onError: onRedisError,
    instances,
    maxKeys,
    maxBlocked: 1,
    // What was counted without Redis is over with it.
    onChange: (isDegraded) => void (isDegraded || local.clear()),
  })
  const local = new Windows(maxKeys)

  class Store implements RateLimitStore {
    readonly #extension: Extension
    readonly #prefix: string

    constructor(of: object, prefix: string = keyPrefix) {
      const { continueExceeding = false, exponentialBackoff = false } = of as RouteOptions
      this.#extension = { continueExceeding, exponentialBackoff }
      this.#prefix = prefix
    }

    incr(key: string, callback: Callback, timeWindow: number, max: number): void {
      this.#ask(key, timeWindow, max, callback, (name) => {
        // At least one, or a limit below the number of processes would stop everything.
        const share = Math.max(1, Math.floor(max / instances))
        const { current, ttl } = local.incr(name, timeWindow, share, this.#extension)
        return { current: current > share ? max + current - share : current, ttl }
      })
    }

    read(key: string, callback: Callback, timeWindow: number, max: number): void {
      this.#ask(key, timeWindow, max, callback, (name) => local.read(name), true)
    }

    child(routeOptions: object): RateLimitStore {
      const { groupId, routeInfo: { method = '', url = '' } = {} } = routeOptions as RouteOptions
      // A group is that of all its routes.
      const scope = groupId ? joinParts('group', groupId, '') : joinParts('route', `${method}`, url, '')
      return new Store(routeOptions, this.#prefix + scope)
    }

    #ask(
      key: string,
      timeWindow: number,
      max: number,
      callback: Callback,
      without: (name: string) => Window,
      isRead = false,
    ): void {
      const { continueExceeding, exponentialBackoff } = this.#extension
      const name = keyOf(this.#prefix, `${key}`)
      const flags = [isRead, continueExceeding, exponentialBackoff].map(Number)
      shared.tryRedis<unknown>(
        (answered) => shared.redis.run(windowScript, 1, [name, timeWindow, max, ...flags], answered),
        (error, answer) => {
          if (error === undefined) {
            const [current = 0, ttl = 0] = numbersOf(answer)
            callback(null, { current, ttl })
          } else if (onRedisError === 'closed') callback(Object.assign(new UnavailableError(), { cause: error }))
          else callback(null, onRedisError === 'open' ? { current: 0, ttl: 0 } : without(name))
        },
      )
    }
  }
  return Store
}
