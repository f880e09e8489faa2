import { createHash, randomBytes } from 'node:crypto'
import type { Queryable } from '../database/database.js'

/** A key of 192 random bits. */
export function generateKey(): string {
  return `stf_${randomBytes(24).toString('base64url')}`
}

/** Keys are random or long, so a plain hash is enough to keep them out of the database. */
function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** Makes a key valid that the operator chose; the one chosen before is no longer. */
export async function saveBootstrapKey(database: Queryable, key: string): Promise<void> {
  await database.query(
    `INSERT INTO api_keys (name, hash) VALUES ('bootstrap', $1) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash`,
    [hashOf(key)],
  )
}

/** The id of a key, if it is valid. */
export async function findKey(database: Queryable, key: string): Promise<number | undefined> {
  const [row] = await database.query<{ id: number }>('SELECT id FROM api_keys WHERE hash = $1', [hashOf(key)])
  return row?.id
}

export async function hasKeys(database: Queryable): Promise<boolean> {
  return (await database.query('SELECT FROM api_keys LIMIT 1')).length > 0
}
