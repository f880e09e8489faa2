import type { MetricType } from './metric.js'

/** A metric family that is ready to be written, a piece at a time. */
export interface Family {
  name: string
  help: string
  type: MetricType | 'summary' | 'unknown'
  pieces(isOpenMetrics: boolean): Iterable<string>
}

export const contentTypes = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

export function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : `${value}`
}

/**
 * What a family is known by: OpenMetrics names a counter without its `_total`. One that has none keeps its name and is
 * `unknown` there, as in Prometheus' own client for Go, so that its series is called the same in both formats.
 */
export function familyName({ name, type }: Pick<Family, 'name' | 'type'>): string {
  return type === 'counter' && name.endsWith('_total') ? name.slice(0, -'_total'.length) : name
}

/** The lines before a family's samples. */
export function head(family: Family, isOpenMetrics: boolean): string {
  const help = family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  if (!isOpenMetrics) {
    const type = family.type === 'unknown' ? 'untyped' : family.type
    return `# HELP ${family.name} ${help}\n# TYPE ${family.name} ${type}\n`
  }
  const name = familyName(family)
  const type = family.type === 'counter' && name === family.name ? 'unknown' : family.type
  return `# HELP ${name} ${help.replaceAll('"', '\\"')}\n# TYPE ${name} ${type}\n`
}
