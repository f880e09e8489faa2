import { readdirSync } from 'node:fs'
import { parse, resolve } from 'node:path'
import { type RunnerOption, runner } from 'node-pg-migrate'
import { MigrationsPendingError } from '../errors.js'
import type { Database } from './database.js'

const folder = resolve(import.meta.dirname, '../../../migrations')
const table = 'migrations'
const quiet = { info: () => {}, warn: () => {}, error: () => {} } // what fails is thrown as well

type Target = Pick<Extract<RunnerOption, { databaseUrl: unknown }>, 'databaseUrl'> | { dbClient: object }

/** Runs the migrations that the database lacks; resolves with their names. Others who migrate at the time are waited for. */
export async function runMigrations(target: Target): Promise<string[]> {
  const done = await runner({
    ...target,
    dir: folder,
    direction: 'up',
    migrationsTable: table,
    advisoryLockMode: 'wait',
    logger: quiet,
  } as RunnerOption)
  return done.map(({ name }) => name)
}

/** @throws ERR_SHORTENER_MIGRATIONS_PENDING when the database lacks migrations that this version brings */
export async function assertMigrated(database: Database): Promise<void> {
  const [found] = await database.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [table])
  const done = found?.exists ? await database.query<{ name: string }>(`SELECT name FROM ${table}`) : []
  const names = new Set(done.map(({ name }) => name))
  const pending = readdirSync(folder)
    .map((file) => parse(file))
    .filter(({ name, ext }) => ext === '.sql' && !names.has(name))
    .map(({ name }) => name)
  if (pending.length > 0) throw new MigrationsPendingError(pending.sort().join(', '))
}
