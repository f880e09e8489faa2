import { assertOrder, type LinkFields, timeOf } from './link.js'
import type { LinkChanges } from './schemas.js'

/**
 * What a merge patch makes of a link.
 * @throws ERR_SHORTENER_TARGET, ERR_SHORTENER_TIMES; the latter by the function too, which knows both times
 */
export function changed(
  { url, startsAt, expiresAt, tags, ...rest }: LinkChanges,
  parseTarget: (text: string) => string,
): (link: LinkFields) => LinkFields {
  const changes: Partial<LinkFields> = { ...rest }
  if (url !== undefined) changes.url = parseTarget(url)
  if (tags !== undefined) changes.tags = [...new Set(tags)]
  if (startsAt !== undefined) changes.startsAt = timeOf('startsAt', startsAt)
  if (expiresAt !== undefined) changes.expiresAt = timeOf('expiresAt', expiresAt)
  return (link) => {
    const result = { ...link, ...changes }
    assertOrder(result)
    return result
  }
}
