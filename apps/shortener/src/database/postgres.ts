import { setTimeout as sleep } from 'node:timers/promises'
import { pgCheck } from '@steadfast/health'
import pg from 'pg'
import type { Logger } from 'pino'
import { DatabaseUnavailableError } from '../errors.js'
import { unavailable } from './availability.js'
import type { Database, Queryable } from './database.js'
import { runMigrations } from './migrations.js'

const connectTimeoutMs = 3_000
const queryTimeoutMs = 5_000
const migrateTimeoutMs = 600_000
const closeTimeoutMs = 1_000
const calmMs = 1_000

const int8 = 20
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === int8 ? Number : pg.types.getTypeParser(oid, format)),
}

/** A PostgreSQL server, through a pool of connections. The log hears once that it went away, and once that it is back. */
export function openPostgres(url: string, log: Logger): Database {
  const { host, pathname } = new URL(url)
  const address = `${host}${pathname}`
  const pool = new pg.Pool({
    connectionString: url,
    types,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    application_name: 'shortener',
  })
  let isAway = false
  let isBreakNoted = false
  let lastFailureMs = 0

  // Of a connection that nobody uses; the pool replaces it.
  pool.on('error', (error) => {
    if (!isAway && !isBreakNoted) log.warn(`an idle connection to the database at ${address} broke: ${error.message}`)
    isBreakNoted = true
  })

  async function watched<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer
      isBreakNoted = false
      // While some queries pass and others fail, it is not back.
      if (isAway && performance.now() - lastFailureMs >= calmMs) {
        isAway = false
        log.info(`the database at ${address} answers again`)
      }
      return value
    } catch (error) {
      const away = unavailable(error)
      if (!away) throw error
      lastFailureMs = performance.now()
      if (!isAway) log.error(error, `the database at ${address} does not answer`)
      isAway = true
      throw away
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
    check: pgCheck(pool),
    pool,
    async transaction(work) {
      const client = await watched(pool.connect())
      let broken: Error | undefined
      try {
        await watched(client.query('BEGIN'))
        const result = await work(queryableOf(client))
        await watched(client.query('COMMIT'))
        return result
      } catch (error) {
        // The pool must not hand out a connection in an unknown state, and one that hangs can't roll back.
        if (error instanceof DatabaseUnavailableError) broken = error
        else await client.query('ROLLBACK').catch((rollbackError: Error) => (broken = rollbackError))
        throw error
      } finally {
        client.release(broken)
      }
    },
    migrate() {
      const limits = { connectionTimeoutMillis: connectTimeoutMs, query_timeout: migrateTimeoutMs, keepAlive: true }
      return runMigrations({ databaseUrl: { connectionString: url, ...limits } })
    },
    async close() {
      // A server that hangs does not say goodbye.
      await Promise.race([pool.end(), sleep(closeTimeoutMs, undefined, { ref: false })])
    },
  }
}
