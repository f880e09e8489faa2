import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { DatabaseUnavailableError } from '../errors.js'
import type { Database, Queryable } from './database.js'
import { runMigrations } from './migrations.js'

const connectTimeoutMs = 3_000
const queryTimeoutMs = 5_000
const closeTimeoutMs = 1_000

const int8 = 20
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === int8 ? Number : pg.types.getTypeParser(oid, format)),
}

/** A PostgreSQL server, through a pool of connections. Says once in the log that it is away, and once that it is back. */
export function openPostgres(url: string, log: Logger): Database {
  const { host, pathname } = new URL(url)
  const address = `${host}${pathname}`
  const pool = new pg.Pool({
    connectionString: url,
    types,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    application_name: 'shortener',
  })
  let isAway = false
  pool.on('error', noteAway) // of a connection that nobody uses; the pool replaces it

  function noteAway(error: unknown): void {
    if (!isAway) log.error(error, `the database at ${address} does not answer`)
    isAway = true
  }

  async function watched<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer
      if (isAway) log.info(`the database at ${address} answers again`)
      isAway = false
      return value
    } catch (error) {
      if (!isUnavailable(error)) throw error
      noteAway(error)
      const unavailable = new DatabaseUnavailableError()
      unavailable.cause = error
      throw unavailable
    }
  }

  function queryableOf(client: pg.Pool | pg.PoolClient): Queryable {
    return {
      async query<Row extends object>(sql: string, values?: unknown[]) {
        return (await watched(client.query<Row>(sql, values))).rows
      },
    }
  }

  return {
    address,
    ...queryableOf(pool),
    async transaction(work) {
      const client = await watched(pool.connect())
      let broken: Error | undefined
      try {
        await watched(client.query('BEGIN'))
        const result = await work(queryableOf(client))
        await watched(client.query('COMMIT'))
        return result
      } catch (error) {
        await client.query('ROLLBACK').catch((rollbackError: Error) => {
          broken = rollbackError // the pool must not hand out a connection in an unknown state
        })
        throw error
      } finally {
        client.release(broken)
      }
    },
    migrate: () => runMigrations({ databaseUrl: { connectionString: url, connectionTimeoutMillis: connectTimeoutMs } }),
    async close() {
      // A server that hangs does not say goodbye.
      await Promise.race([pool.end(), sleep(closeTimeoutMs, undefined, { ref: false })])
    },
  }
}

/** Whether the server is away or overwhelmed, as opposed to saying no. SQLSTATE: PostgreSQL's manual, appendix A. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(08|53|57)/.test(error.code ?? '')
  return !(error instanceof TypeError) // all else that pg throws is about the connection
}
