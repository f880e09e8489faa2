import { createHash } from 'node:crypto'
import type { Database, Queryable } from '../../database/database.js'
import { DatabaseUnavailableError } from '../../errors.js'
import { decode } from '../encoding.js'
import { writeClicks } from '../write.js'

export interface DeadLetter {
  id: number
  /** What was to be counted, as it came. */
  payload: string
  reason: string
  at: Date
}

type Row = Omit<DeadLetter, 'payload'> & { payload: Uint8Array }

const longestReason = 500

/** Puts what can't be counted aside; once, however often it is delivered. */
export async function bury(database: Queryable, payload: string, reason: string): Promise<void> {
  const bytes = Buffer.from(payload)
  await database.query(
    `INSERT INTO click_dead_letters (digest, payload, reason) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING`,
    [createHash('sha256').update(bytes).digest(), bytes, reason.replaceAll('\0', '').slice(0, longestReason)],
  )
}

/** Those after an id, the oldest first. */
export async function listDeadLetters(database: Queryable, after: number, limit: number): Promise<DeadLetter[]> {
  const rows = await database.query<Row>(
    'SELECT id, payload, reason, at FROM click_dead_letters WHERE id > $1 ORDER BY id LIMIT $2',
    [after, limit],
  )
  return rows.map((row) => ({ ...row, payload: Buffer.from(row.payload).toString() }))
}

export async function countDeadLetters(database: Queryable): Promise<number> {
  const [row] = await database.query<{ count: number }>('SELECT count(*) AS count FROM click_dead_letters')
  return row?.count ?? 0
}

export async function deleteDeadLetter(database: Queryable, id: number): Promise<boolean> {
  return (await database.query('DELETE FROM click_dead_letters WHERE id = $1 RETURNING id', [id])).length > 0
}

/** Counts one after all, and takes it away with the same commit. Resolves with why not, or undefined if it is counted. */
export async function replayDeadLetter(database: Database, id: number): Promise<string | undefined> {
  try {
    return await database.transaction(async (transaction) => {
      const sql = 'DELETE FROM click_dead_letters WHERE id = $1 RETURNING payload'
      const [row] = await transaction.query<{ payload: Uint8Array }>(sql, [id])
      if (!row) return 'there is no such dead letter'
      await writeClicks(transaction, [decode(Buffer.from(row.payload).toString())])
      return undefined
    })
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) throw error
    return (error as Error).message
  }
}
