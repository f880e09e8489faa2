import type { Database, Queryable } from '../database/database.js'
import { codeKey, codeLength, isCode, randomCode } from './code.js'
import type { Link, LinkFields, LinkToCreate } from './link.js'

/** Who asks: links belong to the owner of the key that made them, and `admin` sees those of all. */
export interface Access {
  apiKeyId: number
  owner: string
  isAdmin: boolean
}

export const linkColumns = `code, url, status, title, tags, starts_at AS "startsAt", expires_at AS "expiresAt",
  max_visits AS "maxVisits", visits_used AS "visitsUsed",
  coalesce((SELECT clicks FROM click_totals WHERE link_id = links.id), 0) AS clicks, created_at AS "createdAt", updated_at AS "updatedAt"`

/** The link that $1 names by its key and $2 as it is written, unless it is not for the owner $3. */
const named = 'code_key = $1 AND (is_alias OR code = $2) AND deleted_at IS NULL AND ($3::text IS NULL OR owner = $3)'

const names = (access: Access, code: string) => [codeKey(code), code, access.isAdmin ? null : access.owner]

const triesPerLength = 3

/**
 * Stores links in one statement, each under its alias or a code that no link has or had. Resolves with them in order;
 * undefined where the alias is taken.
 */
export async function createLinks(
  database: Queryable,
  { apiKeyId, owner }: Access,
  links: LinkToCreate[],
  newCode: (length: number) => string = randomCode,
): Promise<(Link | undefined)[]> {
  const created: (Link | undefined)[] = links.map(() => undefined)
  let pending = links.map((link, index) => ({ link, index }))
  for (let tries = 0; pending.length > 0; tries++) {
    if (tries > 2 * triesPerLength) throw new Error('no free code was found')
    // Codes that are taken again and again are a sign that those of this length are used up.
    const length = codeLength + Math.min(1, Math.floor(tries / triesPerLength))
    const indexes = new Map<string, number>()
    const rows: object[] = []
    for (const { link, index } of pending) {
      const code = link.alias ?? newCode(length)
      if (indexes.has(codeKey(code))) continue
      indexes.set(codeKey(code), index)
      rows.push({ ...link, code, isAlias: link.alias !== undefined })
    }
    for (const link of await insert(database, rows, owner, apiKeyId)) created[indexes.get(codeKey(link.code))!] = link
    pending = pending.filter(({ link, index }) => !created[index] && link.alias === undefined)
  }
  return created
}

/** In the order of their keys, so that statements with the same aliases wait for each other in turn, not in a circle. */
function insert(database: Queryable, rows: object[], owner: string, apiKeyId: number): Promise<Link[]> {
  return database.query<Link>(
    `INSERT INTO links (code, is_alias, url, status, title, tags, starts_at, expires_at, max_visits, owner, api_key_id)
     SELECT code, "isAlias", url, status, title, tags, "startsAt", "expiresAt", "maxVisits", $2, $3
     FROM json_to_recordset($1::json) AS link (code text, "isAlias" boolean, url text, status smallint, title text,
       tags text[], "startsAt" timestamptz, "expiresAt" timestamptz, "maxVisits" integer)
     ORDER BY lower(code COLLATE "C")
     ON CONFLICT DO NOTHING RETURNING ${linkColumns}`,
    [JSON.stringify(rows), owner, apiKeyId],
  )
}

export async function findLink(database: Queryable, access: Access, code: string): Promise<Link | undefined> {
  if (!isCode(code)) return undefined
  const [link] = await database.query<Link>(`SELECT ${linkColumns} FROM links WHERE ${named}`, names(access, code))
  return link
}

/** Changes a link by what `change` makes of it, and notes who made it lead elsewhere. */
export function updateLink(
  database: Database,
  access: Access,
  code: string,
  change: (link: LinkFields) => LinkFields,
): Promise<Link | undefined> {
  return database.transaction(async (transaction) => {
    if (!isCode(code)) return undefined
    const [link] = await transaction.query<Link & { id: number }>(
      `SELECT id, ${linkColumns} FROM links WHERE ${named} FOR UPDATE`,
      names(access, code),
    )
    if (!link) return undefined
    const { url, status, title, tags, startsAt, expiresAt, maxVisits } = change(link)
    if (url !== link.url) {
      await transaction.query(
        'INSERT INTO target_changes (link_id, api_key_id, old_url, new_url) VALUES ($1, $2, $3, $4)',
        [link.id, access.apiKeyId, link.url, url],
      )
    }
    const [changed] = await transaction.query<Link>(
      `UPDATE links SET url = $2, status = $3, title = $4, tags = $5, starts_at = $6, expires_at = $7, max_visits = $8,
         updated_at = now()
       WHERE id = $1 RETURNING ${linkColumns}`,
      [link.id, url, status, title, tags, startsAt, expiresAt, maxVisits],
    )
    return changed
  })
}

/** Takes a link out of use. Its row stays, so that its code never leads elsewhere. */
export async function deleteLink(database: Queryable, access: Access, code: string): Promise<boolean> {
  if (!isCode(code)) return false
  const sql = `UPDATE links SET deleted_at = now() WHERE ${named} RETURNING id`
  return (await database.query(sql, names(access, code))).length > 0
}

/** What the statistics of a link are found by. */
export async function findLinkId(
  database: Queryable,
  access: Access,
  code: string,
): Promise<{ id: number; createdAt: Date } | undefined> {
  if (!isCode(code)) return undefined
  const sql = `SELECT id, created_at AS "createdAt" FROM links WHERE ${named}`
  const [link] = await database.query<{ id: number; createdAt: Date }>(sql, names(access, code))
  return link
}
