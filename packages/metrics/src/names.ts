import type { Family } from './text.js'

type Named = Pick<Family, 'name' | 'type'>

/**
 * What a family is known by: OpenMetrics names a counter without its `_total`. One that has none keeps its name and is
 * `unknown` there, as in Prometheus' own client for Go, so that its series is called the same in both formats.
 */
export function familyName({ name, type }: Named): string {
  return type === 'counter' && name.endsWith('_total') ? name.slice(0, -'_total'.length) : name
}

/** All names that a family takes: its own, and those of its series. A scrape that has one twice is refused as a whole. */
export function namesOf(family: Named): string[] {
  const suffixes = {
    counter: [],
    gauge: [],
    unknown: [],
    summary: ['_sum', '_count'],
    histogram: ['_bucket', '_sum', '_count'],
  }
  return [family.name, familyName(family), ...suffixes[family.type].map((suffix) => family.name + suffix)]
}
