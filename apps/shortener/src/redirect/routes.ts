import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { problems } from '../api/problems.js'
import type { CountClick } from '../clicks/counter.js'
import type { Database } from '../database/database.js'
import { LinkExpiredError, LinkNotFoundError, LinkUsedUpError } from '../errors.js'
import { codeKey, isCode, isWritten } from '../links/code.js'
import type { LinkCache } from './link-cache.js'
import { type RedirectLink, takeVisit } from './look-up.js'

const keptSeconds = 90

const to = (description: string) => Type.Null({ description })

export interface RedirectRoutesOptions {
  database: Database
  cache: LinkCache
  countClick: CountClick
}

/** `GET /:code`; Fastify answers `HEAD` from it, which takes no visit and is no click. */
export const redirectRoutes: FastifyPluginAsyncTypebox<RedirectRoutesOptions> = async (app, options) => {
  const { database, cache, countClick } = options

  /** Where it leads; undefined if its visits are limited, and used up. Those are counted in the database alone. */
  async function targetOf(link: RedirectLink, isVisit: boolean): Promise<string | undefined> {
    if (link.maxVisits === null) return link.url
    if (isVisit) return takeVisit(database, link.id)
    const fresh = await cache.findFresh(codeKey(link.code))
    return fresh && fresh.visitsUsed < (fresh.maxVisits ?? Infinity) ? fresh.url : undefined
  }

  app.get('/:code', {
    schema: {
      operationId: 'follow',
      summary: 'Follow a link',
      tags: ['redirect'],
      security: [],
      params: Type.Object({ code: Type.String() }),
      response: {
        301: to('To the target, and to be kept for 90 seconds'),
        302: to('To the target'),
        307: to('To the target, with the same method'),
        308: to('To the target, with the same method, and to be kept for 90 seconds'),
        ...problems({
          404: 'No such link, or it has not started',
          410: 'Expired, or used up',
          503: 'The database is away',
        }),
      },
    },
    handler: async (request, reply) => {
      const { code } = request.params
      const isVisit = request.method === 'GET'
      // No error may be kept, and no target, but for a while where the link says so: each can change at any time.
      reply.header('cache-control', 'private, no-store')
      const link = isCode(code) ? await cache.find(codeKey(code)) : undefined
      const nowMs = Date.now()
      if (!link || !isWritten(code, link)) throw new LinkNotFoundError()
      if (link.startsAtMs !== null && nowMs < link.startsAtMs) throw new LinkNotFoundError()
      if (link.expiresAtMs !== null && nowMs >= link.expiresAtMs) throw new LinkExpiredError()
      const target = await targetOf(link, isVisit)
      if (target === undefined) throw new LinkUsedUpError()
      const maxAge = maxAgeOf(link, nowMs)
      if (maxAge > 0) reply.header('cache-control', `private, max-age=${maxAge}`)
      if (isVisit) await countClick(request, link.id)
      return reply.redirect(target, link.status)
    },
  })
}

/** For how many seconds a browser may keep a redirect that is called permanent: never past the end of the link. */
function maxAgeOf({ status, maxVisits, expiresAtMs }: RedirectLink, nowMs: number): number {
  if (maxVisits !== null || (status !== 301 && status !== 308)) return 0
  return expiresAtMs === null ? keptSeconds : Math.min(keptSeconds, Math.floor((expiresAtMs - nowMs) / 1_000))
}
