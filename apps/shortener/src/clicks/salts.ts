import { createHmac, randomBytes } from 'node:crypto'
import type { Queryable } from '../database/database.js'
import { dayOf } from './click.js'

const dayMs = 86_400_000
const hashBytes = 8

/** Tells visitors of a day apart without keeping who they are: the salt of the day is shared by all processes, and deleted. */
export class VisitorSalts {
  readonly #salts = new Map<string, Uint8Array>()

  /** Gets the salts of today and tomorrow, so that midnight needs no database; forgets and deletes those of two days ago. */
  async renew(database: Queryable, nowMs: number = Date.now()): Promise<void> {
    const days = [dayOf(nowMs), dayOf(nowMs + dayMs)]
    for (const day of days) {
      if (this.#salts.has(day)) continue
      await database.query('INSERT INTO visitor_salts (day, salt) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
        day,
        randomBytes(32),
      ])
      const sql = 'SELECT salt FROM visitor_salts WHERE day = $1'
      const [row] = await database.query<{ salt: Uint8Array }>(sql, [day])
      if (row) this.#salts.set(day, row.salt)
    }
    for (const day of this.#salts.keys()) if (!days.includes(day)) this.#salts.delete(day)
    await database.query('DELETE FROM visitor_salts WHERE day < $1', [dayOf(nowMs - dayMs)])
  }

  /** The salt of the day of a time; undefined if it could not be had. */
  ofDay(atMs: number): Uint8Array | undefined {
    return this.#salts.get(dayOf(atMs))
  }

  /** The hash of a visitor of a link; null if the salt of the day could not be had, and the visitor then counts for none. */
  hash(linkId: number, address: string, userAgent: string, atMs: number): string | null {
    const salt = this.ofDay(atMs)
    if (!salt) return null
    const hmac = createHmac('sha256', salt).update(`${linkId}|${address}|${userAgent}`).digest()
    return hmac.toString('hex', 0, hashBytes)
  }
}
