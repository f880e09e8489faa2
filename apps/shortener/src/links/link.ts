import type Type from 'typebox'
import { AliasReservedError, TimesError } from '../errors.js'
import { isReserved } from './code.js'
import type { LinkAnswer, NewLink } from './schemas.js'

/** What can be set of a link. */
export interface LinkFields {
  url: string
  status: number
  title: string | null
  tags: string[]
  startsAt: Date | null
  expiresAt: Date | null
  maxVisits: number | null
}

export interface Link extends LinkFields {
  code: string
  visitsUsed: number
  clicks: number
  createdAt: Date
  updatedAt: Date
}

export interface LinkToCreate extends LinkFields {
  alias?: string
}

/** Year 9999, the last that RFC 3339 can write. */
const lastMs = 253_402_300_799_999

/**
 * What a request asks for, checked as far as its schema can't.
 * @throws ERR_SHORTENER_TARGET, ERR_SHORTENER_ALIAS_RESERVED, ERR_SHORTENER_TIMES
 */
export function linkToCreate(given: NewLink, parseTarget: (text: string) => string): LinkToCreate {
  const {
    alias,
    url,
    status = 302,
    title = null,
    tags = [],
    startsAt = null,
    expiresAt = null,
    maxVisits = null,
  } = given
  if (alias !== undefined && isReserved(alias)) throw new AliasReservedError(alias)
  const times = { startsAt: timeOf('startsAt', startsAt), expiresAt: timeOf('expiresAt', expiresAt) }
  assertOrder(times)
  if (times.expiresAt && times.expiresAt.getTime() <= Date.now()) {
    throw new TimesError('expiresAt', 'must be in the future', expiresAt)
  }
  const link = { url: parseTarget(url), status, title, tags: [...new Set(tags)], ...times, maxVisits }
  return alias === undefined ? link : { ...link, alias }
}

/** @throws ERR_SHORTENER_TIMES for a time that no calendar has, such as a leap second, or before 1970 */
export function timeOf(field: string, text: string | null): Date | null {
  if (text === null) return null
  const ms = Date.parse(text)
  if (!(ms >= 0 && ms <= lastMs)) throw new TimesError(field, 'must be a time of the years 1970 to 9999', text)
  return new Date(ms)
}

/** @throws ERR_SHORTENER_TIMES unless a link begins before it ends */
export function assertOrder({ startsAt, expiresAt }: Pick<LinkFields, 'startsAt' | 'expiresAt'>): void {
  if (startsAt && expiresAt && startsAt >= expiresAt) {
    throw new TimesError('expiresAt', 'must be after startsAt', expiresAt.toISOString())
  }
}

/** A link as the API tells of it. */
export function answerOf(link: Link, baseUrl: string): Type.Static<typeof LinkAnswer> {
  const { code, url, status, title, tags, startsAt, expiresAt, maxVisits, visitsUsed, clicks } = link
  return {
    code,
    shortUrl: `${baseUrl}/${code}`,
    url,
    status,
    title,
    tags,
    startsAt: startsAt?.toISOString() ?? null,
    expiresAt: expiresAt?.toISOString() ?? null,
    maxVisits,
    visitsLeft: maxVisits === null ? null : Math.max(0, maxVisits - visitsUsed),
    clicks,
    createdAt: link.createdAt.toISOString(),
    updatedAt: link.updatedAt.toISOString(),
  }
}
