import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PGlite, type Transaction } from '@electric-sql/pglite'
import { DatabaseInUseError } from '../errors.js'
import type { Database, Queryable } from './database.js'
import { runMigrations } from './migrations.js'

/**
 * A PostgreSQL in this process, with its files in a folder. For trying things out: it holds up the event loop during
 * a query, and only one process at a time can open it.
 * @throws ERR_SHORTENER_DATABASE_IN_USE
 */
export async function openPglite(folder: string): Promise<Database> {
  const path = resolve(folder)
  const unlock = lock(path)
  try {
    const pglite = await PGlite.create(join(path, 'data'))
    return {
      address: path,
      ...queryableOf(pglite),
      transaction: (work) => pglite.transaction((transaction) => work(queryableOf(transaction))),
      migrate: () => runMigrations({ dbClient: migrationClient(pglite) }),
      async close() {
        await pglite.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

function queryableOf(client: PGlite | Transaction): Queryable {
  return {
    query: async <Row extends object>(sql: string, values?: unknown[]) => (await client.query<Row>(sql, values)).rows,
  }
}

/** What node-pg-migrate uses of a pg client. Text without values may hold several statements, which only exec() takes. */
function migrationClient(pglite: PGlite) {
  return {
    query: async (sql: string, values?: unknown[]) =>
      values ? pglite.query(sql, values) : ((await pglite.exec(sql)).at(-1) ?? { rows: [] }),
  }
}

/** Takes the folder for this process; the file says for which. Two processes in it would destroy the data. */
function lock(folder: string): () => void {
  const file = join(folder, 'process-id')
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(file, `${process.pid}`, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const holder = Number(readFileSync(file, 'utf8'))
    if (isRunning(holder)) throw new DatabaseInUseError(folder, holder)
    rmSync(file, { force: true }) // of a process that was killed
    return lock(folder)
  }
  return () => rmSync(file, { force: true })
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
