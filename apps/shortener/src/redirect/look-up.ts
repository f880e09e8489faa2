import type { Queryable } from '../database/database.js'

/** What a redirect has to know of a link: plain data, for a cache to keep until the link is changed. */
export interface RedirectLink {
  id: number
  code: string
  isAlias: boolean
  url: string
  status: 301 | 302 | 307 | 308
  startsAtMs: number | null
  expiresAtMs: number | null
  maxVisits: number | null
  visitsUsed: number
}

/** The link that has this key, from the database; redirects ask link-cache.ts, which asks here. */
export async function lookUp(database: Queryable, key: string): Promise<RedirectLink | undefined> {
  const [link] = await database.query<RedirectLink>(
    `SELECT id, code, is_alias AS "isAlias", url, status, (extract(epoch FROM starts_at) * 1000)::int8 AS "startsAtMs",
       (extract(epoch FROM expires_at) * 1000)::int8 AS "expiresAtMs", max_visits AS "maxVisits",
       visits_used AS "visitsUsed"
     FROM links WHERE code_key = $1 AND deleted_at IS NULL`,
    [key],
  )
  return link
}

/**
 * Takes one of the visits that a link has left, in one statement: however many processes ask at once, there are no more
 * than it has. Resolves with its target of this moment, or undefined if none is left.
 */
export async function takeVisit(database: Queryable, id: number): Promise<string | undefined> {
  const [link] = await database.query<{ url: string }>(
    `UPDATE links SET visits_used = visits_used + 1
     WHERE id = $1 AND deleted_at IS NULL AND (max_visits IS NULL OR visits_used < max_visits) RETURNING url`,
    [id],
  )
  return link?.url
}
