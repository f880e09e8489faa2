import type { Faults } from './faults.js'
import { escapeValue } from './labels.js'
import type { MetricFamily } from './lifecycle.js'
import { type Family, formatNumber } from './text.js'

/** Reads metric sources; one that throws, or gives what is no metric, costs its own families only. */
export function readSources(sources: Iterable<() => MetricFamily[]>, faults: Faults): Family[] {
  const families: Family[] = []
  for (const source of sources) {
    try {
      families.push(...source().map(toFamily))
    } catch (error) {
      faults.report('source', `a metric source has failed (${(error as Error)?.message ?? error})`, error)
    }
  }
  return families
}

/** Printed here already, so that what is wrong with it shows here. */
function toFamily({ name, help, type, samples }: MetricFamily): Family {
  if (!/^[a-zA-Z_:][\w:]*$/.test(name)) throw new TypeError(`"${name}" is no name of a metric`)
  if (!['counter', 'gauge', 'histogram'].includes(type)) throw new TypeError(`${name} has no type "${type}"`)
  const lines = samples.map(({ suffix = '', labels = {}, value }) => {
    if (typeof value !== 'number') throw new TypeError(`a value of ${name} is ${value}, which is no number`)
    return sampleLine(name + suffix, labels, value)
  })
  return { name, help: `${help}`, type, pieces: () => lines }
}

export function sampleLine(name: string, labels: object, value: number, after = ''): string {
  const texts = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`)
  return `${name}${texts.length > 0 ? `{${texts.join(',')}}` : ''} ${formatNumber(value)}${after}\n`
}
