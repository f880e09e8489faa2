import type { MetricFamily } from '../lifecycle.js'

/** What is read of a pool of `pg`. */
export interface PgPoolLike {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options?: { readonly max?: number | undefined }
}

/** Connections and waiting requests of all pools, by name. */
export function pgFamilies(pools: Map<string, PgPoolLike>, prefix: string): MetricFamily[] {
  if (pools.size === 0) return []
  const gauge = (name: string, help: string, read: (pool: PgPoolLike) => number | undefined): MetricFamily => ({
    name: `${prefix}pg_pool_${name}`,
    help,
    type: 'gauge',
    samples: [...pools].flatMap(([pool, looked]) => {
      const value = read(looked)
      return value === undefined ? [] : [{ labels: { pool }, value }]
    }),
  })
  return [
    gauge('connections', 'Connections of the pool, in use or not.', (pool) => pool.totalCount),
    gauge('idle_connections', 'Those of them that nobody uses.', (pool) => pool.idleCount),
    gauge('waiting_requests', 'Requests that wait for a connection.', (pool) => pool.waitingCount),
    gauge('max_connections', 'How many connections there may be.', (pool) => pool.options?.max),
  ]
}
