import type { Queryable } from '../database/database.js'
import type { Click } from './click.js'

/**
 * Events, totals, hours, days and visitors in one statement. What is counted is what was inserted, so an event that is
 * delivered again counts nothing, and a statement that fails has counted nothing. All rows are locked in order.
 */
const statement = `
  WITH input AS (
    SELECT DISTINCT ON (event_id) (ts AT TIME ZONE 'UTC')::date AS day, *
    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::boolean[], $7::text[])
      AS click (event_id, link_id, ts, referrer, browser, is_bot, visitor)
    ORDER BY event_id
  ), fresh AS (
    INSERT INTO click_events (day, event_id, link_id, ts, referrer, browser, is_bot, visitor)
    SELECT day, event_id, link_id, ts, referrer, browser, is_bot, decode(visitor, 'hex') FROM input
    ORDER BY day, event_id ON CONFLICT DO NOTHING
    RETURNING *
  ), totals AS (
    INSERT INTO click_totals AS known (link_id, clicks, bots)
    SELECT link_id, count(*), count(*) FILTER (WHERE is_bot) FROM fresh GROUP BY 1 ORDER BY 1
    ON CONFLICT (link_id) DO UPDATE SET clicks = known.clicks + excluded.clicks, bots = known.bots + excluded.bots
  ), hours AS (
    INSERT INTO click_hourly AS known (link_id, hour, clicks, bots)
    SELECT link_id, date_trunc('hour', ts, 'UTC'), count(*), count(*) FILTER (WHERE is_bot)
    FROM fresh GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (link_id, hour) DO UPDATE SET clicks = known.clicks + excluded.clicks, bots = known.bots + excluded.bots
  ), days AS (
    INSERT INTO click_daily AS known (link_id, day, dimension, value, clicks)
    SELECT link_id, day, dimension, value, count(*)
    FROM fresh CROSS JOIN LATERAL (VALUES ('referrer', referrer), ('browser', browser)) AS of (dimension, value)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (link_id, day, dimension, value) DO UPDATE SET clicks = known.clicks + excluded.clicks
  ), visitors AS (
    INSERT INTO click_visitors (link_id, day, visitor)
    SELECT DISTINCT link_id, day, visitor FROM fresh WHERE visitor IS NOT NULL AND NOT is_bot ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING
    RETURNING link_id, day
  ), uniques AS (
    INSERT INTO click_uniques AS known (link_id, day, visitors)
    SELECT link_id, day, count(*) FROM visitors GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (link_id, day) DO UPDATE SET visitors = known.visitors + excluded.visitors
  )
  SELECT count(*) AS written FROM fresh`

/** Counts clicks. Resolves with how many of them were new. */
export async function writeClicks(database: Queryable, clicks: Click[]): Promise<number> {
  const column = <Name extends keyof Click>(name: Name) => clicks.map((click) => click[name])
  const times = clicks.map(({ atMs }) => new Date(atMs).toISOString())
  const [row] = await database.query<{ written: number }>(statement, [
    column('eventId'),
    column('linkId'),
    times,
    column('referrer'),
    column('browser'),
    column('isBot'),
    column('visitor'),
  ])
  return row?.written ?? 0
}
