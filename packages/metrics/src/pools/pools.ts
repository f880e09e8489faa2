import { NameTakenError } from '../errors.js'
import { fail, take, text } from '../given.js'
import type { MetricFamily } from '../lifecycle.js'
import { type PgPoolLike, pgFamilies } from './pg.js'
import { type RedisLike, redisFamilies, WatchedRedis } from './redis.js'

/** Pools and clients that are looked at when metrics are read, by their names. */
export class Pools {
  readonly #pg = new Map<string, PgPoolLike>()
  readonly #redis = new Map<string, WatchedRedis>()

  /**
   * @throws ERR_METRICS_OPTION if it is neither a pool of pg nor a client of ioredis
   * @throws ERR_METRICS_NAME_TAKEN
   */
  add(name: string, pool: PgPoolLike | RedisLike): void {
    if (take('the name of a pool', name, text) === undefined) fail('the name of a pool', text.must, name)
    if (this.#pg.has(name) || this.#redis.has(name)) throw new NameTakenError(name, 'there is such a pool already')
    if (isPgPool(pool)) this.#pg.set(name, pool)
    else if (isRedis(pool)) this.#redis.set(name, new WatchedRedis(pool))
    else fail(`the pool "${name}"`, 'a pool of pg or a client of ioredis', pool)
  }

  /** Asks what answers later. */
  ask(): void {
    for (const client of this.#redis.values()) client.ping()
  }

  families(prefix: string): MetricFamily[] {
    return [...pgFamilies(this.#pg, prefix), ...redisFamilies(this.#redis, prefix)]
  }
}

function isPgPool(pool: unknown): pool is PgPoolLike {
  return typeof (pool as PgPoolLike | undefined)?.waitingCount === 'number'
}

function isRedis(pool: unknown): pool is RedisLike {
  const { status, ping } = (pool ?? {}) as Partial<RedisLike>
  return typeof status === 'string' && typeof ping === 'function'
}
