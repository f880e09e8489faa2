import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Faults } from './faults.js'
import { sampleLine } from './source.js'
import type { Family } from './text.js'

/** What prom-client's `get()` gives; it is typed for each class of metric only. */
interface Gotten {
  name: string
  help: string
  type: Family['type']
  values: {
    metricName?: string
    labels: object
    value: number
    exemplar?: { labelSet: object; value: number; timestamp: number } | null
  }[]
}

interface Readable {
  name: string
  get(): Promise<Gotten>
}

/**
 * Reads the metrics of a registry, one a turn of the event loop: a `get()` of a large one takes long. Those whose
 * `collect` fails, or does not end in time, are left out.
 */
export async function readRegistry(registry: Registry, faults: Faults, deadlineMs: number): Promise<Family[]> {
  const pending: { name: string; gotten: Promise<Gotten> }[] = []
  for (const metric of registry.getMetricsAsArray() as unknown as Readable[]) {
    const gotten = metric.get()
    gotten.catch(() => {}) // it is awaited below
    pending.push({ name: metric.name, gotten })
    await nextTurn()
  }
  if (pending.length === 0) return []
  const timer = new AbortController()
  const late = sleep(deadlineMs, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Error(`its collect() has not ended within ${deadlineMs} ms`)
  })
  late.catch(() => {})
  const families: Family[] = []
  for (const { name, gotten } of pending) {
    try {
      families.push(toFamily(await Promise.race([gotten, late]), defaultLabelsOf(registry)))
    } catch (error) {
      faults.report('client', `${name} can’t be read (${(error as Error)?.message ?? error})`, error)
    }
  }
  timer.abort()
  return families
}

/** What setDefaultLabels() was given. prom-client itself has no way to ask for it. */
function defaultLabelsOf(registry: Registry): object {
  return (Reflect.get(registry, '_defaultLabels') as object | undefined) ?? {}
}

function toFamily({ name, help, type, values }: Gotten, defaults: object): Family {
  function* pieces(isOpenMetrics: boolean): Generator<string> {
    for (const { metricName = name, labels, value, exemplar } of values) {
      yield sampleLine(metricName, { ...defaults, ...labels }, value, isOpenMetrics && exemplar ? after(exemplar) : '')
    }
  }
  return { name, help, type, pieces }
}

function after({ labelSet, value, timestamp }: { labelSet: object; value: number; timestamp: number }): string {
  return ` # ${sampleLine('', labelSet, value).trimEnd()} ${timestamp}`
}
