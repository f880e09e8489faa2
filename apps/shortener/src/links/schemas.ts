import Type from 'typebox'
import { aliasPattern } from './code.js'

/**
 * Text without control characters, which have no place in a title, and without halves of surrogate pairs: PostgreSQL takes
 * neither. Nor with U+FFFD, which is what is left of bytes that are no UTF-8.
 */
const wellFormed = '^(?:[^\\x00-\\x1f\\x7f\\ud800-\\udfff\\ufffd]|[\\ud800-\\udbff][\\udc00-\\udfff])*$'
const line = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: wellFormed })
const time = Type.String({ format: 'date-time' })
const tag = line(50)
const tags = Type.Array(tag, { maxItems: 20, description: 'To find links by; without order and repetition' })
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const url = Type.String({ description: 'http or https; stored as the URL standard normalises it' })
const status = Type.Union(
  [301, 302, 307, 308].map((status) => Type.Literal(status as 301 | 302 | 307 | 308)),
  {
    description: '302 if not given. 301 and 308 may be kept by browsers for 90 seconds',
  },
)
const maxVisits = Type.Integer({
  minimum: 1,
  maximum: 1_000_000_000,
  description: 'After so many GETs it is gone: 410',
})
const title = line(200)

export const NewLink = Type.Object(
  {
    url,
    alias: Type.Optional(
      Type.String({ pattern: aliasPattern, description: 'The code of your choice; any case finds it' }),
    ),
    status: Type.Optional(status),
    title: Type.Optional(title),
    tags: Type.Optional(tags),
    startsAt: Type.Optional(time),
    expiresAt: Type.Optional(time),
    maxVisits: Type.Optional(maxVisits),
  },
  { additionalProperties: false },
)
export type NewLink = Type.Static<typeof NewLink>

/** A merge patch (RFC 7396): what is absent stays, null takes away. */
export const LinkChanges = Type.Object(
  {
    url: Type.Optional(url),
    status: Type.Optional(status),
    title: Type.Optional(orNull(title)),
    tags: Type.Optional(tags),
    startsAt: Type.Optional(orNull(time)),
    expiresAt: Type.Optional(orNull(time)),
    maxVisits: Type.Optional(orNull(maxVisits)),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type LinkChanges = Type.Static<typeof LinkChanges>

export const LinkAnswer = Type.Object(
  {
    code: Type.String(),
    shortUrl: Type.String(),
    url: Type.String(),
    status: Type.Integer(),
    title: orNull(Type.String()),
    tags: Type.Array(Type.String()),
    startsAt: orNull(time),
    expiresAt: orNull(time),
    maxVisits: orNull(Type.Integer()),
    visitsLeft: orNull(Type.Integer()),
    clicks: Type.Integer({ description: 'Counted so far; GET …/stats has more' }),
    createdAt: time,
    updatedAt: time,
  },
  { description: 'The link' },
)

export const LinkPage = Type.Object(
  {
    links: Type.Array(LinkAnswer),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' }),
  },
  { description: 'A page of links' },
)

export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '50 if not given' })),
    cursor: Type.Optional(Type.String({ maxLength: 64, description: 'nextCursor of the page before' })),
    search: Type.Optional({ ...line(200), description: 'Part of the code, the target or the title, in any case' }),
    tag: Type.Optional(tag),
  },
  { additionalProperties: false },
)

/** Of a POST that may be sent again. */
export const RepeatHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: '1 to 255 visible ASCII characters. Repetitions within 24 hours get the first answer' }),
  ),
})

export const CodeParams = Type.Object({ code: Type.String() })
