import { randomInt } from 'node:crypto'

/** Letters and digits that are not taken for each other: no 0 O o, 1 I l i. */
const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz'

/** Codes have this length, or one more where too many of it are taken. */
export const codeLength = 7

/** What an alias may be, and every code is. */
export const aliasPattern = '^[A-Za-z0-9][A-Za-z0-9_-]{2,63}$'

/** Paths of our own, now or perhaps later, and names that would pass for ours. */
const reserved = new Set(
  `about account admin api app assets auth bulk callback clicks dashboard docs errors events favicon health help
   keys legal links live livez login logout metrics oauth openapi privacy public ready readyz robots security settings
   signin signup sitemap startupz static stats status support terms user users webhooks well-known worker www`.split(
    /\s+/,
  ),
)

/** A random code: it tells nothing of how many links there are, and the next can't be guessed. */
export function randomCode(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

const code = new RegExp(aliasPattern)

/** Whether a link could have this code, which saves a query if not. */
export function isCode(text: string): boolean {
  return code.test(text)
}

/** What a code is found by. No two links have codes that differ in case alone. */
export function codeKey(code: string): string {
  return code.toLowerCase()
}

export function isReserved(alias: string): boolean {
  return reserved.has(codeKey(alias))
}

/** Whether `text` names a link that was found by its key: an alias in any case, a random code exactly. */
export function isWritten(text: string, link: { code: string; isAlias: boolean }): boolean {
  return link.isAlias || link.code === text
}
