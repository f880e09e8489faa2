import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { PGlite, type Transaction } from '@electric-sql/pglite'
import { DatabaseFolderError, DatabaseInUseError } from '../errors.js'
import { unavailable } from './availability.js'
import type { Database, Queryable } from './database.js'
import { lockFolder } from './folder-lock.js'
import { runMigrations } from './migrations.js'

/**
 * A PostgreSQL in this process, with its files in a folder. For trying things out: it holds up the event loop during
 * a query, and only one process at a time can open it.
 * @throws ERR_SHORTENER_DATABASE_IN_USE
 * @throws ERR_SHORTENER_DATABASE_FOLDER
 */
export async function openPglite(folder: string): Promise<Database> {
  const path = resolve(folder)
  let unlock = () => {}
  try {
    await mkdir(path, { recursive: true })
    unlock = await lockFolder(path)
    const pglite = await PGlite.create(join(path, 'data'))
    return {
      address: path,
      ...queryableOf(pglite),
      check: { run: () => pglite.query('SELECT 1') },
      transaction: (work) => pglite.transaction((transaction) => work(queryableOf(transaction))),
      migrate: () => runMigrations({ dbClient: migrationClient(pglite) }),
      async close() {
        await pglite.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    if (error instanceof DatabaseInUseError) throw error
    throw new DatabaseFolderError(path, (error as Error).message, { cause: error })
  }
}

function queryableOf(client: PGlite | Transaction): Queryable {
  return {
    async query<Row extends object>(sql: string, values?: unknown[]) {
      try {
        return (await client.query<Row>(sql, values)).rows
      } catch (error) {
        throw unavailable(error) ?? error
      }
    },
  }
}

/** What node-pg-migrate uses of a pg client. Text without values may hold several statements, which only exec() takes. */
function migrationClient(pglite: PGlite) {
  return {
    query: async (sql: string, values?: unknown[]) =>
      values ? pglite.query(sql, values) : ((await pglite.exec(sql)).at(-1) ?? { rows: [] }),
  }
}
