import type { Database } from '../database/database.js'
import type { Click } from './click.js'
import { bury } from './dead-letters/repository.js'
import { encode } from './encoding.js'
import { writeClicks } from './write.js'

export interface Written {
  /** How many were refused, and put with the dead letters. */
  dead: number
}

/** SQLSTATE classes that say no to what a click holds: data exceptions, and integrity constraints. Waiting changes nothing. */
const refusals = /^2[23]/

/**
 * Counts clicks. One that the database refuses is found by halves, and put with the dead letters, so that it holds up no others.
 * Any other failure counts nothing of the batch in which it comes, and is thrown: it may be written again as a whole.
 */
export async function writeAll(database: Database, clicks: Click[]): Promise<Written> {
  try {
    await writeClicks(database, clicks)
    return { dead: 0 }
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    if (!refusals.test(code)) throw error
    const [click] = clicks
    if (clicks.length === 1 && click) {
      await bury(database, encode(click), `${code} ${message}`)
      return { dead: 1 }
    }
    const half = Math.ceil(clicks.length / 2)
    const first = await writeAll(database, clicks.slice(0, half))
    const second = await writeAll(database, clicks.slice(half))
    return { dead: first.dead + second.dead }
  }
}
