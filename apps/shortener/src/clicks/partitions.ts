import type { Database, Queryable } from '../database/database.js'
import { dayOf } from './click.js'

const dayMs = 86_400_000
const lock = 7_225_001 // one process at a time; the number is nobody else's here

/** For how many days things are kept. */
export interface Kept {
  /** Single clicks, and the hashes of visitors: to know what was counted. */
  events: number
  /** Clicks of a day by referrer and browser. */
  details: number
}

interface Partitioned {
  table: string
  every: 'day' | 'month'
  keptDays: number
}

/**
 * Gives the tables of clicks partitions for the time to come, and drops those of which no day is kept any longer, which takes no
 * time however much they hold. What comes for a day without one goes to the default partition, and counts all the same.
 */
export function turnPartitions(database: Database, kept: Kept, nowMs: number = Date.now()): Promise<void> {
  const tables: Partitioned[] = [
    { table: 'click_events', every: 'day', keptDays: kept.events },
    { table: 'click_visitors', every: 'day', keptDays: kept.events },
    { table: 'click_daily', every: 'month', keptDays: kept.details },
  ]
  return database.transaction(async (transaction) => {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [lock])
    for (const table of tables) await turn(transaction, table, nowMs)
  })
}

async function turn(transaction: Queryable, { table, every, keptDays }: Partitioned, nowMs: number): Promise<void> {
  let from = every === 'day' ? dayOf(nowMs) : firstOfMonth(dayOf(nowMs))
  for (let ahead = 0; ahead <= (every === 'day' ? 3 : 1); ahead++) {
    const to = every === 'day' ? addDays(from, 1) : firstOfMonth(addDays(from, 31))
    await addPartition(transaction, table, from, to)
    from = to
  }
  const firstKept = dayOf(nowMs - keptDays * dayMs)
  const partitions = await transaction.query<{ name: string }>(
    'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass',
    [table],
  )
  for (const { name } of partitions) {
    const [, year, month, day] = new RegExp(`^${table}_(\\d{4})(\\d\\d)(\\d\\d)$`).exec(name) ?? []
    if (!year) continue // the default one
    const first = `${year}-${month}-${day}`
    const last = every === 'day' ? first : addDays(firstOfMonth(addDays(first, 31)), -1)
    if (last < firstKept) await transaction.query(`DROP TABLE ${name}`)
  }
  await transaction.query(`DELETE FROM ${table}_default WHERE day < $1`, [firstKept])
}

async function addPartition(transaction: Queryable, table: string, from: string, to: string): Promise<void> {
  const name = `${table}_${from.replaceAll('-', '')}`
  const [found] = await transaction.query<{ isThere: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL OR EXISTS (SELECT FROM ${table}_default WHERE day >= $2 AND day < $3) AS "isThere"`,
    [name, from, to],
  )
  if (found?.isThere) return
  await transaction.query(`CREATE TABLE ${name} PARTITION OF ${table} FOR VALUES FROM ('${from}') TO ('${to}')`)
}

function addDays(day: string, days: number): string {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + days * dayMs)
}

function firstOfMonth(day: string): string {
  return `${day.slice(0, 7)}-01`
}
