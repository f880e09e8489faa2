import assert from 'node:assert/strict'
import Fastify from 'fastify'
import { type MetricFamily, sharedBy } from './contract.js'
import type { Register } from './lifecycle.js'

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelName = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/
const suffixes = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] }

/**
 * Checks a plugin's side of the metrics contract: what its sources give is right by Prometheus' data model, before the
 * first request already. `use` puts the app through what makes all of its metrics appear.
 * @returns the families, for the test's own checks of their values
 * @throws AssertionError that names the metric and what is wrong with it
 */
export async function checkMetricSources(
  register: Register,
  use: (app: Parameters<Register>[0]) => unknown = () => {},
): Promise<MetricFamily[]> {
  const app = Fastify()
  await register(app)
  await app.ready()
  try {
    const read = () => [...(sharedBy(app)?.metricSources ?? [])].flatMap((source) => source())
    const unused = structuredClone(read()) // a source may use its objects again
    assert.ok(unused.length > 0, 'the plugin adds a metric source that gives families')
    checkFamilies(unused)
    await use(app)
    const families = read()
    checkFamilies(families)
    checkCountersRise(unused, families)
    return families
  } finally {
    await app.close()
  }
}

function checkFamilies(families: MetricFamily[]): void {
  families.forEach(checkFamily)
  const names = families.flatMap(({ name, type }) => suffixes[type].map((suffix) => name + suffix))
  assert.deepEqual(names, [...new Set(names)], 'each family is given once, and none has the name of another’s series')
}

function checkFamily(family: MetricFamily): void {
  const { name, help, type, samples } = family
  assert.match(name, metricName, 'a metric name')
  assert.ok(help.trim(), `${name} has a help text`)
  assert.ok(type in suffixes, `${name} has a type, not "${type}"`)
  assert.equal(name.endsWith('_total'), type === 'counter', `${name}: counters, and only they, end in _total`)
  for (const { suffix = '', labels = {}, value } of samples) {
    assert.ok(suffixes[type].includes(suffix), `${name} is a ${type} and has no sample "${name}${suffix}"`)
    assert.equal(typeof value, 'number', `${name}${suffix} has a number`)
    if (type === 'counter') assert.ok(value >= 0, `${name} counts up from 0`)
    for (const [label, text] of Object.entries(labels)) {
      assert.match(label, labelName, `a label of ${name}`)
      assert.ok(['string', 'number'].includes(typeof text), `label ${label} of ${name} has a text or a number`)
    }
    if (suffix === '_bucket') assert.ok('le' in labels, `${name}_bucket has the label le`)
  }
  const series = samples.map(seriesOf)
  assert.equal(new Set(series).size, series.length, `${name} gives each series once`)
  if (type === 'histogram') checkHistogram(family)
}

/** By the exposition formats: cumulative buckets up to +Inf, which counts as much as _count; and a _sum. */
function checkHistogram({ name, samples }: MetricFamily): void {
  const groups = new Map<string, MetricFamily['samples']>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels ?? {}
    const group = seriesOf({ labels, value: 0 })
    groups.set(group, [...(groups.get(group) ?? []), sample])
  }
  for (const group of groups.values()) {
    const of = (suffix: string) => group.filter((sample) => sample.suffix === suffix)
    const bound = (sample: MetricFamily['samples'][number]) =>
      Number(`${sample.labels?.le}`.replace('+Inf', 'Infinity'))
    const buckets = of('_bucket').sort((a, b) => bound(a) - bound(b))
    const last = buckets.at(-1)
    assert.ok(last && bound(last) === Infinity, `${name} has a bucket le="+Inf"`)
    assert.equal(of('_sum').length, 1, `${name} has a _sum`)
    assert.equal(of('_count')[0]?.value, last.value, `${name}_count is what the bucket +Inf holds`)
    for (const [i, { value }] of buckets.entries()) {
      assert.ok(value >= (buckets[i - 1]?.value ?? 0), `the buckets of ${name} are cumulative`)
    }
  }
}

function checkCountersRise(earlier: MetricFamily[], later: MetricFamily[]): void {
  const counts = (families: MetricFamily[]) =>
    new Map(
      families
        .filter(({ type }) => type === 'counter')
        .flatMap(({ name, samples }) => samples.map((sample) => [name + seriesOf(sample), sample.value] as const)),
    )
  const now = counts(later)
  for (const [series, value] of counts(earlier)) {
    assert.ok((now.get(series) ?? -1) >= value, `a counter never goes down, nor away: ${series}`)
  }
}

function seriesOf({ suffix = '', labels = {} }: MetricFamily['samples'][number]): string {
  const texts = Object.entries(labels).map(([label, text]) => [label, `${text}`])
  return suffix + JSON.stringify(texts.sort())
}
