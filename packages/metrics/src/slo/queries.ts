import type { Objective } from './objective.js'

/** What a query is made of: series of requests, and the share of them that missed the objective. */
export interface Queries {
  /** Requests, but for those that the client broke off. */
  all: string
  failed: string
  answered: string
  /** Of the answered ones, those that were as fast as this. */
  within(seconds: number): string
  /** By job. */
  rate(series: string, window: string): string
}

export function queriesFor(prefix: string): Queries {
  const name = `${prefix}http_request_duration_seconds`
  return {
    all: `${name}_count{status_code!="499"}`,
    failed: `${name}_count{status_code=~"5.."}`,
    answered: `${name}_count{status_code!~"5..|499"}`,
    within: (seconds) => `${name}_bucket{status_code!~"5..|499", ${upTo(seconds)}}`,
    rate: (series, window) => `sum by (job) (rate(${series}[${window}]))`,
  }
}

/** A bucket's bound as a matcher: Prometheus 3 makes "1.0" of "1". */
function upTo(seconds: number): string {
  return Number.isInteger(seconds) ? `le=~"${seconds}|${seconds}\\\\.0"` : `le="${seconds}"`
}

/** The share of requests that missed the objective, by each of its two sides. */
export function badShares(
  { latency }: Objective,
  prefix: string,
  window: string,
): Record<'errors' | 'latency', string> {
  const { all, failed, answered, within, rate } = queriesFor(prefix)
  // Where nothing has failed yet, there is no series of failures.
  return {
    errors: `(${rate(failed, window)} or 0 * ${rate(all, window)}) / ${rate(all, window)}`,
    latency: `1 - ${rate(within(latency), window)} / ${rate(answered, window)}`,
  }
}

/** Apdex: satisfied requests, and half of those that are tolerated, up to four times the threshold. */
export function apdexOf(threshold: number, prefix: string, window: string): string {
  const { all, within, rate } = queriesFor(prefix)
  return `(${rate(within(threshold), window)} + ${rate(within(4 * threshold), window)}) / 2 / ${rate(all, window)}`
}
