import type { Queryable } from '../database/database.js'
import { codeLength, randomCode } from './code.js'

export interface Link {
  code: string
  url: string
  createdAt: Date
}

const triesPerLength = 3

/** Stores a link under a code that no link has. */
export async function createLink(
  database: Queryable,
  { url, apiKeyId }: { url: string; apiKeyId: number },
  newCode: (length: number) => string = randomCode,
): Promise<Link> {
  for (let tries = 0; ; tries++) {
    // Codes that are taken again and again are a sign that those of this length are used up.
    const length = codeLength + Math.min(1, Math.floor(tries / triesPerLength))
    const [link] = await database.query<Link>(
      `INSERT INTO links (code, url, api_key_id) VALUES ($1, $2, $3)
       ON CONFLICT (code) DO NOTHING RETURNING code, url, created_at AS "createdAt"`,
      [newCode(length), url, apiKeyId],
    )
    if (link) return link
    if (tries === 2 * triesPerLength) throw new Error('no free code was found')
  }
}

/** Where a code leads, if there is such a link. */
export async function findTarget(database: Queryable, code: string): Promise<string | undefined> {
  const [link] = await database.query<{ url: string }>('SELECT url FROM links WHERE code = $1', [code])
  return link?.url
}
