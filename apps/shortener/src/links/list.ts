import type { Queryable } from '../database/database.js'
import { CursorError } from '../errors.js'
import { codeKey, isCode } from './code.js'
import type { Link } from './link.js'
import { type Access, linkColumns } from './repository.js'

export interface Page {
  links: Link[]
  nextCursor: string | null
}

export interface PageOptions {
  limit?: number
  cursor?: string
  search?: string
  tag?: string
}

const defaultLimit = 50

/**
 * A page of links, the newest first, so that links made meanwhile move nothing. The cursor is the code of the last link
 * of a page: it tells nobody how many links there are, and holds when that link is deleted.
 * @throws ERR_SHORTENER_CURSOR
 */
export async function listLinks(database: Queryable, access: Access, options: PageOptions): Promise<Page> {
  const { limit = defaultLimit, cursor, search, tag } = options
  const owner = access.isAdmin ? null : access.owner
  const before = cursor === undefined ? null : await positionOf(database, owner, cursor)
  const pattern = search === undefined ? null : `%${search.replace(/[\\%_]/g, '\\$&')}%`
  const links = await database.query<Link>(
    `SELECT ${linkColumns} FROM links
     WHERE deleted_at IS NULL AND ($1::text IS NULL OR owner = $1) AND ($2::bigint IS NULL OR id < $2)
       AND ($3::text IS NULL OR tags @> ARRAY[$3::text])
       AND ($4::text IS NULL OR code ILIKE $4 OR url ILIKE $4 OR title ILIKE $4)
     ORDER BY id DESC LIMIT $5`,
    [owner, before, tag ?? null, pattern, limit + 1],
  )
  const page = links.slice(0, limit)
  return { links: page, nextCursor: links.length > limit ? page.at(-1)!.code : null }
}

async function positionOf(database: Queryable, owner: string | null, code: string): Promise<number> {
  const sql = 'SELECT id FROM links WHERE code = $1 AND code_key = $2 AND ($3::text IS NULL OR owner = $3)'
  const [link] = isCode(code) ? await database.query<{ id: number }>(sql, [code, codeKey(code), owner]) : []
  if (!link) throw new CursorError(code)
  return link.id
}
