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
    assert.ok(read().length > 0, 'the plugin adds a metric source that gives families')
    await use(app)
    const families = read()
    const names = families.map(({ name }) => name)
    assert.deepEqual(names, [...new Set(names)], 'each family is given once')
    families.forEach(checkFamily)
    return families
  } finally {
    await app.close()
  }
}

function checkFamily({ name, help, type, samples }: MetricFamily): void {
  assert.match(name, metricName, 'a metric name')
  assert.ok(help.trim(), `${name} has a help text`)
  assert.ok(type in suffixes, `${name} has a type, not "${type}"`)
  assert.equal(name.endsWith('_total'), type === 'counter', `${name}: counters, and only they, end in _total`)
  const series = samples.map(({ suffix = '', labels = {}, value }) => {
    assert.ok(suffixes[type].includes(suffix), `${name} is a ${type} and has no sample "${name}${suffix}"`)
    assert.equal(typeof value, 'number', `${name}${suffix} has a number`)
    if (type === 'counter') assert.ok(value >= 0, `${name} counts up from 0`)
    for (const label of Object.keys(labels)) assert.match(label, labelName, `a label of ${name}`)
    if (suffix === '_bucket') assert.ok('le' in labels, `${name}_bucket has the label le`)
    return suffix + JSON.stringify(Object.entries(labels).sort())
  })
  assert.equal(new Set(series).size, series.length, `${name} gives each series once`)
}
