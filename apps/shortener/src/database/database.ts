import type { HealthCheck } from '@steadfast/health'
import type { PgPoolLike } from '@steadfast/metrics'

/** Rows by their column names. int8 is a number up to 2^53, timestamptz a Date, bytea a Uint8Array, with either database. */
export interface Queryable {
  /** @throws ERR_SHORTENER_DATABASE_UNAVAILABLE when it does not answer; what PostgreSQL says otherwise */
  query<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>
}

/** A PostgreSQL, elsewhere or embedded. */
export interface Database extends Queryable {
  /** What it is and where, without credentials. */
  readonly address: string
  /** Runs `work` in a transaction: committed when it resolves, rolled back when it rejects. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>
  /** Runs the migrations it lacks, one process at a time; resolves with their names. */
  migrate(): Promise<string[]>
  /** Whether it can serve, for the readiness. */
  readonly check: HealthCheck
  /** Its connections, where it has a pool of them. */
  readonly pool?: PgPoolLike
  close(): Promise<void>
}
