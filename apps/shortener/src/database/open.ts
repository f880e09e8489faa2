import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { DatabaseConfig } from '../config.js'
import { DatabaseRefusedError, DatabaseUnavailableError, DatabaseUnreachableError } from '../errors.js'
import { isRefusal } from './availability.js'
import type { Database } from './database.js'
import { openPglite } from './pglite.js'
import { openPostgres } from './postgres.js'

const firstPauseMs = 100
const longestPauseMs = 2_000

/**
 * Opens the database that DATABASE_URL names, once it answers.
 * @throws ERR_SHORTENER_DATABASE_UNREACHABLE when it does not before DATABASE_START_DEADLINE_MS is over
 * @throws ERR_SHORTENER_DATABASE_REFUSED when it answers no, which waiting would not change
 * @throws ERR_SHORTENER_DATABASE_IN_USE and ERR_SHORTENER_DATABASE_FOLDER, the embedded one
 */
export async function openDatabase(config: DatabaseConfig, log: Logger): Promise<Database> {
  const embedded = /^pglite:\/\/(.+)$/.exec(config.DATABASE_URL)?.[1]
  if (embedded) return openPglite(embedded)
  const database = openPostgres(config.DATABASE_URL, log)
  try {
    await untilAnswers(database, config.DATABASE_START_DEADLINE_MS)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/**
 * What a database does at start, where all that fails is the operator's to mend.
 * @throws ERR_SHORTENER_DATABASE_REFUSED, or what has a code of ours already
 */
export async function atStart<T>(database: Database, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_SHORTENER_')) throw error
    throw new DatabaseRefusedError(database.address, (error as Error).message.split('\n')[0], { cause: error })
  }
}

async function untilAnswers(database: Database, deadlineMs: number): Promise<void> {
  const overMs = performance.now() + deadlineMs
  const leftMs = () => overMs - performance.now()
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const failure = await attempt(database, leftMs())
    if (failure === undefined) return
    if (leftMs() <= pauseMs) throw new DatabaseUnreachableError(database.address, deadlineMs, failure)
    await sleep(pauseMs)
  }
}

/** Why it does not answer, or undefined if it does. */
async function attempt(database: Database, withinMs: number): Promise<string | undefined> {
  const timeout = new AbortController()
  try {
    return await Promise.race([
      atStart(database, database.query('SELECT 1')).then(() => undefined),
      sleep(withinMs, 'no answer', { signal: timeout.signal }),
    ])
  } catch (error) {
    if (!(error instanceof DatabaseUnavailableError)) throw error
    if (isRefusal(error.cause)) throw new DatabaseRefusedError(database.address, messageOf(error.cause))
    return messageOf(error.cause)
  } finally {
    timeout.abort()
  }
}

/** An AggregateError, as of a host with two addresses, has its messages inside. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ')
  return (error as Error).message
}
