import type { FastifyInstance } from 'fastify'

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** The samples of a scrape, in the text format. */
export async function scrape(app: FastifyInstance): Promise<Sample[]> {
  return parse((await app.metrics.render()).body.toString())
}

export function parse(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*?)\})? (\S+)(?: #.*)?$/.exec(line) ?? []
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text])
      return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: toNumber(value) }
    })
}

function toNumber(value: string): number {
  return Number(value.replace('+Inf', 'Infinity').replace('-Inf', '-Infinity'))
}

/** The sum of all samples of this name that have at least these labels; undefined if there is none. */
export function sumOf(samples: Sample[], name: string, labels: Record<string, string> = {}): number | undefined {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}
