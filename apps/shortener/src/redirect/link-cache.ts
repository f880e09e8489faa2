import type { Cache, CacheOptions, EntryOptions } from '@steadfast/cache'
import type { FastifyBaseLogger } from 'fastify'
import type { Queryable } from '../database/database.js'
import { DatabaseUnavailableError } from '../errors.js'
import { codeKey } from '../links/code.js'
import type { SharedRedis } from '../redis/redis.js'
import { lookUp, type RedirectLink } from './look-up.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** For how long a process that nobody tells of changes may be wrong. */
const unsharedMs = 5_000

/** Past its time a link is served only where the database does not answer within this time. */
const stale: EntryOptions = { graceMs: dayMs, hardTimeoutMs: 1_000, errorBackoffMs: 1_000 }

/** Once the database has not answered, only one look-up in this time waits for it; the others do without at once. */
const restMs = 1_000

export function cacheOptions(redis: SharedRedis | undefined): CacheOptions {
  if (!redis) return { defaults: { ...stale, ttlMs: unsharedMs, negativeTtlMs: unsharedMs } }
  return {
    redis: redis.client,
    subscriber: redis.subscriber,
    keyPrefix: `${redis.prefix}cache:`,
    version: '1',
    defaults: { ...stale, ttlMs: hourMs, jitter: 0.1, l1TtlMs: 5_000, negativeTtlMs: 30_000 },
  }
}

/** Links as redirects need them: from memory, else from Redis, else from the database. */
export class LinkCache {
  readonly #cache: Cache
  readonly #database: Queryable
  readonly #log: FastifyBaseLogger
  #isAway = false
  #restsUntilMs = 0

  constructor(cache: Cache, database: Queryable, log: FastifyBaseLogger) {
    this.#cache = cache
    this.#database = database
    this.#log = log
  }

  /**
   * The link that has this key.
   * @throws ERR_SHORTENER_DATABASE_UNAVAILABLE if it is not cached and the database is away
   */
  async find(key: string): Promise<RedirectLink | undefined> {
    try {
      return await this.#cache.getOrSet(`l:${key}`, async ({ set, signal }) => {
        const link = await this.#load(key, signal)
        const leftMs = link?.expiresAtMs ? link.expiresAtMs - Date.now() : 0
        if (leftMs > 0 && leftMs < hourMs) set({ ttlMs: leftMs })
        return link
      })
    } catch (error) {
      // Another request, or another process, has just asked the database in vain.
      const { code } = error as NodeJS.ErrnoException
      const isAway = code === 'ERR_CACHE_LOAD_FAILED' || code === 'ERR_CACHE_LOAD_TIMEOUT'
      throw isAway ? new DatabaseUnavailableError({ cause: error }) : error
    }
  }

  async #load(key: string, signal: AbortSignal): Promise<RedirectLink | undefined> {
    const nowMs = performance.now()
    if (nowMs < this.#restsUntilMs) throw new DatabaseUnavailableError()
    if (this.#isAway) this.#restsUntilMs = nowMs + restMs
    const away = () => {
      this.#isAway = true
      this.#restsUntilMs = performance.now() + restMs
    }
    signal.addEventListener('abort', away, { once: true })
    try {
      const link = await lookUp(this.#database, key)
      this.#isAway = false
      this.#restsUntilMs = 0
      return link
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) away()
      throw error
    } finally {
      signal.removeEventListener('abort', away)
    }
  }

  /** As it is in the database now. */
  findFresh(key: string): Promise<RedirectLink | undefined> {
    return lookUp(this.#database, key)
  }

  /**
   * Forgets links that were made, changed or deleted. Once it resolves no process serves what was before, unless Redis could not
   * be reached; then others may, until it can be.
   */
  async forget(codes: readonly string[]): Promise<void> {
    if (codes.length === 0) return
    try {
      await this.#cache.delete(
        codes.map((code) => `l:${codeKey(code)}`),
        { confirm: true },
      )
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_CACHE_UNCONFIRMED') throw error
      this.#log.warn(error, 'other servers may not know yet that links were changed')
    }
  }
}
