import type { MetricType } from './metric.js'
import { familyName } from './names.js'

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
