import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { problems } from '../api/problems.js'
import type { Database } from '../database/database.js'
import { DaysError, LinkNotFoundError } from '../errors.js'
import { accessOf, needs } from '../keys/authenticate.js'
import { findLinkId } from '../links/repository.js'
import { CodeParams } from '../links/schemas.js'
import { dayOf } from './click.js'
import { statsOf } from './stats.js'

const dayMs = 86_400_000
const mostDays = { hour: 31, day: 3_660 }

const day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'A day in UTC, as 2026-01-31' })
const StatsQuery = Type.Object(
  {
    interval: Type.Optional(
      Type.Union([Type.Literal('hour'), Type.Literal('day')], { description: 'day if not given' }),
    ),
    from: Type.Optional({
      ...day,
      description:
        'The first day, in UTC; if not given, the one on which the link was made, or the first of the last 31 by hour, 3,660 by day',
    }),
    to: Type.Optional({ ...day, description: 'The last day, in UTC; today if not given' }),
  },
  { additionalProperties: false },
)

const clicks = Type.Integer()
const named = Type.Array(Type.Object({ name: Type.String(), clicks }))
const StatsAnswer = Type.Object({
  from: Type.String(),
  to: Type.String(),
  interval: Type.String(),
  clicks,
  humans: clicks,
  bots: clicks,
  uniques: Type.Integer({ description: 'Different people of each day, bots left out, added up over the days' }),
  series: Type.Array(
    Type.Object({ start: Type.String({ format: 'date-time' }), clicks, humans: clicks, bots: clicks }),
    {
      description: 'The hours or days that had clicks',
    },
  ),
  referrers: named,
  browsers: named,
})

/** `/links/:code/stats`: the sums of the series, the referrers and the browsers are each the clicks. */
export const statsRoutes: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get('/links/:code/stats', {
    onRequest: needs('read'),
    schema: {
      operationId: 'linkStats',
      summary: 'What a link was clicked',
      tags: ['links'],
      params: CodeParams,
      querystring: StatsQuery,
      response: {
        200: StatsAnswer,
        ...problems({
          400: 'Not as documented, or too many days',
          401: 'No valid key',
          403: 'The key lacks the scope',
          404: 'No such link, or another owner’s',
          503: 'The database is away',
        }),
      },
    },
    handler: async (request) => {
      const link = await findLinkId(database, accessOf(request), request.params.code)
      if (!link) throw new LinkNotFoundError()
      const nowMs = Date.now()
      const { interval = 'day', to = dayOf(nowMs) } = request.query
      const madeMs = Math.min(nowMs, link.createdAt.getTime())
      const { from = firstDay(madeMs, to, mostDays[interval]) } = request.query
      assertRange(from, to, mostDays[interval])
      const { series, ...stats } = await statsOf(database, link.id, { from, to, interval })
      return {
        from,
        to,
        interval,
        ...stats,
        humans: stats.clicks - stats.bots,
        series: series.map((part) => ({ ...part, humans: part.clicks - part.bots })),
      }
    },
  })
}

/** The day on which a link was made, or the first of as many as one answer can tell, if it was made before. */
function firstDay(madeMs: number, to: string, mostDays: number): string {
  const earliestMs = Date.parse(`${to}T00:00:00Z`) - (mostDays - 1) * dayMs
  return dayOf(Math.max(earliestMs || 0, madeMs)) // 0 where `to` is no day, which is refused next
}

function assertRange(from: string, to: string, mostDays: number): void {
  const [fromMs, toMs] = [from, to].map((day) => Date.parse(`${day}T00:00:00Z`)) as [number, number]
  const isDay = (ms: number, day: string) => ms >= 0 && dayOf(ms) === day
  if (!isDay(fromMs, from) || !isDay(toMs, to))
    throw new DaysError('from and to must be days of the calendar', from, to)
  if (fromMs > toMs) throw new DaysError('from must not be after to', from, to)
  if ((toMs - fromMs) / dayMs >= mostDays) throw new DaysError(`there can be ${mostDays} days at most`, from, to)
}
