import { createHash, randomBytes } from 'node:crypto'
import type { Queryable } from '../database/database.js'

export const scopes = ['read', 'write', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** How much a key may ask for. */
export const tiers = ['standard', 'high', 'unlimited'] as const
export type Tier = (typeof tiers)[number]

export interface ApiKey {
  id: number
  name: string
  owner: string
  scopes: Scope[]
  tier: Tier
  createdAt: Date
  revokedAt: Date | null
}

const columns = 'id, name, owner, scopes, tier, created_at AS "createdAt", revoked_at AS "revokedAt"'

/** The name of the operator's own key, that comes from the environment. */
export const bootstrapName = 'bootstrap'

/** A key of 192 random bits. */
export function generateKey(): string {
  return `stf_${randomBytes(24).toString('base64url')}`
}

/** Keys are random or long, so a plain hash is enough to keep them out of the database. */
function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** Makes a key valid that the operator chose, with all rights; the one chosen before is no longer. */
export async function saveBootstrapKey(database: Queryable, key: string): Promise<void> {
  await database.query(
    `INSERT INTO api_keys (name, owner, scopes, tier, hash) VALUES ($1, 'default', '{admin}', 'unlimited', $2)
     ON CONFLICT (name) DO UPDATE
       SET hash = excluded.hash, scopes = excluded.scopes, tier = excluded.tier, revoked_at = NULL`,
    [bootstrapName, hashOf(key)],
  )
}

/** A new key, which is known in full only now; undefined if one of this name is there, or was. */
export async function createKey(
  database: Queryable,
  { name, owner, scopes, tier }: Pick<ApiKey, 'name' | 'owner' | 'scopes' | 'tier'>,
): Promise<(ApiKey & { key: string }) | undefined> {
  const key = generateKey()
  const [row] = await database.query<ApiKey>(
    `INSERT INTO api_keys (name, owner, scopes, tier, hash) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) DO NOTHING RETURNING ${columns}`,
    [name, owner, scopes, tier, hashOf(key)],
  )
  return row && { ...row, key }
}

/** The key that this is, if it is valid. */
export async function findKey(database: Queryable, key: string): Promise<ApiKey | undefined> {
  const sql = `SELECT ${columns} FROM api_keys WHERE hash = $1 AND revoked_at IS NULL`
  const [row] = await database.query<ApiKey>(sql, [hashOf(key)])
  return row
}

export function listKeys(database: Queryable): Promise<ApiKey[]> {
  return database.query<ApiKey>(`SELECT ${columns} FROM api_keys ORDER BY id`)
}

/** From the next request on the key is not valid. False if there is no such key, or it was revoked before. */
export async function revokeKey(database: Queryable, id: number): Promise<boolean> {
  const sql = 'UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id'
  return (await database.query(sql, [id])).length > 0
}

export async function hasKeys(database: Queryable): Promise<boolean> {
  return (await database.query('SELECT FROM api_keys WHERE revoked_at IS NULL LIMIT 1')).length > 0
}
