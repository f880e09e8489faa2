import type { Queryable } from '../database/database.js'

export interface Stats {
  clicks: number
  bots: number
  uniques: number
  series: { start: string; clicks: number; bots: number }[]
  referrers: { name: string; clicks: number }[]
  browsers: { name: string; clicks: number }[]
}

export interface StatsOptions {
  /** Days in UTC, both of them included. */
  from: string
  to: string
  interval: 'hour' | 'day'
}

const mostNames = 100

/** What a link was clicked, from one snapshot: however much is written meanwhile, all sums are the same. */
export async function statsOf(
  database: Queryable,
  linkId: number,
  { from, to, interval }: StatsOptions,
): Promise<Stats> {
  const [stats] = await database.query<Stats>(
    `WITH hours AS (
       SELECT hour, clicks, bots FROM click_hourly
       WHERE link_id = $1 AND hour >= $2::date::timestamp AT TIME ZONE 'UTC'
         AND hour < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
     ), series AS (
       SELECT date_trunc($4, hour, 'UTC') AS start, sum(clicks)::int8 AS clicks, sum(bots)::int8 AS bots
       FROM hours GROUP BY 1
     ), named AS (
       SELECT dimension, value AS name, sum(clicks)::int8 AS clicks FROM click_daily
       WHERE link_id = $1 AND day BETWEEN $2::date AND $3::date GROUP BY 1, 2
     ), lists AS (
       SELECT dimension, json_agg(json_build_object('name', name, 'clicks', clicks) ORDER BY clicks DESC, name) AS list
       FROM named GROUP BY 1
     )
     SELECT (SELECT coalesce(sum(clicks), 0)::int8 FROM hours) AS clicks,
       (SELECT coalesce(sum(bots), 0)::int8 FROM hours) AS bots,
       (SELECT coalesce(sum(visitors), 0)::int8 FROM click_uniques
        WHERE link_id = $1 AND day BETWEEN $2::date AND $3::date) AS uniques,
       (SELECT coalesce(json_agg(json_build_object('start', to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'clicks', clicks, 'bots', bots) ORDER BY start), '[]') FROM series) AS series,
       coalesce((SELECT list FROM lists WHERE dimension = 'referrer'), '[]') AS referrers,
       coalesce((SELECT list FROM lists WHERE dimension = 'browser'), '[]') AS browsers`,
    [linkId, from, to, interval],
  )
  const { referrers, browsers, ...rest } = stats!
  const { clicks } = rest
  return { ...rest, referrers: shortened(whole(referrers, clicks)), browsers: whole(browsers, clicks) }
}

/** Days whose details are no longer kept have their clicks all the same. */
function whole(list: Stats['browsers'], clicks: number): Stats['browsers'] {
  const missing = list.reduce((left, one) => left - one.clicks, clicks)
  return missing > 0 ? [...list, { name: '(no longer kept)', clicks: missing }] : list
}

/** The most frequent ones, and all others as one, so that the sum stays. */
function shortened(list: Stats['referrers']): Stats['referrers'] {
  const named = list.map(({ name, clicks }) => ({ name: name || '(direct)', clicks }))
  const rest = named.splice(mostNames).reduce((sum, { clicks }) => sum + clicks, 0)
  return rest > 0 ? [...named, { name: '(other)', clicks: rest }] : named
}
