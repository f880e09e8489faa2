import type { Database, Queryable } from '../database/database.js'
import { dayOf } from './click.js'

const dayMs = 86_400_000
const daysAhead = 3
const lock = 7_225_001 // one process at a time; the number is nobody else's here

/**
 * Gives click_events a partition for each of the coming days, and drops those of days that are no longer kept, which takes no
 * time however many clicks they had. Clicks of a day without one go to the default partition, and count all the same.
 */
export function turnPartitions(database: Database, keptDays: number, nowMs: number = Date.now()): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [lock])
    for (let ahead = 0; ahead <= daysAhead; ahead++) await addPartition(transaction, nowMs + ahead * dayMs)
    const firstKept = dayOf(nowMs - keptDays * dayMs)
    const partitions = await transaction.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'click_events'::regclass`,
    )
    for (const { name } of partitions) {
      const [, day] = /^click_events_(\d{8})$/.exec(name) ?? []
      if (day && day < firstKept.replaceAll('-', '')) await transaction.query(`DROP TABLE ${name}`)
    }
    await transaction.query('DELETE FROM click_events_default WHERE day < $1', [firstKept])
  })
}

async function addPartition(transaction: Queryable, ms: number): Promise<void> {
  const day = dayOf(ms)
  const name = `click_events_${day.replaceAll('-', '')}`
  const [found] = await transaction.query<{ isThere: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL OR EXISTS (SELECT FROM click_events_default WHERE day = $2) AS "isThere"`,
    [name, day],
  )
  if (found?.isThere) return
  await transaction.query(
    `CREATE TABLE ${name} PARTITION OF click_events FOR VALUES FROM ('${day}') TO ('${dayOf(ms + dayMs)}')`,
  )
}
