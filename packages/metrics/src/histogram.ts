import { inspect } from 'node:util'
import { ValueError } from './errors.js'
import type { LabelValues } from './labels.js'
import { Metric, type MetricOptions } from './metric.js'
import { formatNumber } from './text.js'

/** One series of a histogram. */
export interface BoundHistogram {
  /** @throws ERR_METRICS_VALUE if it is not finite */
  observe(value: number): void
  /** Observes the seconds from now to the call of what it returns. */
  startTimer(): () => number
}

/** Counts values by the buckets that they fall into. */
export interface Histogram<Name extends string = string> {
  /** @throws ERR_METRICS_VALUE if it is not finite */
  observe(value: number): void
  /** @throws ERR_METRICS_LABELS if they are not those it was made with */
  observe(labels: LabelValues<Name>, value: number): void
  /** The series of these labels, to keep: recording into it looks nothing up. */
  labels(labels: LabelValues<Name>): BoundHistogram
}

export interface HistogramOptions<Name extends string = string> extends MetricOptions<Name> {
  /** Upper bounds, rising, without +Inf. Default 0.005 … 10, for seconds. */
  buckets?: readonly number[]
}

export const secondsBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The last value in each bucket that came with a trace id. */
interface Exemplars {
  traceIds: (string | undefined)[]
  values: Float64Array
  seconds: Float64Array
}

export class HistogramSeries implements BoundHistogram {
  readonly labels: string
  /** Not cumulative; the last is +Inf. */
  readonly counts: Float64Array
  sum = 0
  exemplars: Exemplars | undefined
  readonly #name: string
  readonly #bounds: Float64Array

  constructor(name: string, labels: string, bounds: Float64Array) {
    this.#name = name
    this.labels = labels
    this.#bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    if (typeof value !== 'number' || value - value !== 0) {
      throw new ValueError(this.#name, 'a finite number', inspect(value))
    }
    this.counts[this.#bucketOf(value)]!++
    this.sum += value
  }

  observeTraced(value: number, traceId: string): void {
    this.observe(value)
    const { length } = this.counts
    this.exemplars ??= { traceIds: [], values: new Float64Array(length), seconds: new Float64Array(length) }
    const bucket = this.#bucketOf(value)
    this.exemplars.traceIds[bucket] = traceId
    this.exemplars.values[bucket] = value
    this.exemplars.seconds[bucket] = Date.now() / 1_000
  }

  startTimer(): () => number {
    const startMs = performance.now()
    return () => {
      const seconds = (performance.now() - startMs) / 1_000
      this.observe(seconds)
      return seconds
    }
  }

  #bucketOf(value: number): number {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    return bucket
  }
}

export class HistogramMetric extends Metric<HistogramSeries> implements Histogram {
  readonly type = 'histogram'
  readonly buckets: readonly number[]
  readonly #bounds: Float64Array
  /** What stands between the labels of a series and the number of each bucket. */
  readonly #bucketEnds: string[]

  constructor(options: HistogramOptions & { maxSeries: number }) {
    super(options)
    this.buckets = options.buckets ?? secondsBuckets
    this.#bounds = Float64Array.from(this.buckets)
    this.#bucketEnds = [...this.buckets, Infinity].map((bound) => `le="${formatNumber(bound)}"} `)
  }

  observe(labelsOrValue: LabelValues | number, value?: number): void {
    if (typeof labelsOrValue === 'object' && labelsOrValue !== null) this.bind(labelsOrValue).observe(value as number)
    else this.bind({}).observe(labelsOrValue)
  }

  labels(labels: LabelValues): BoundHistogram {
    return this.bind(labels)
  }

  protected create(labels: string): HistogramSeries {
    return new HistogramSeries(this.name, labels, this.#bounds)
  }

  protected print({ labels, counts, sum, exemplars }: HistogramSeries, isOpenMetrics: boolean): string {
    const start = `${this.name}_bucket{${labels && `${labels},`}`
    const braced = labels && `{${labels}}`
    let text = ''
    let count = 0
    for (let bucket = 0; bucket < counts.length; bucket++) {
      count += counts[bucket]!
      text += start + this.#bucketEnds[bucket] + count
      if (isOpenMetrics && exemplars?.traceIds[bucket] !== undefined) text += printExemplar(exemplars, bucket)
      text += '\n'
    }
    return `${text}${this.name}_sum${braced} ${formatNumber(sum)}\n${this.name}_count${braced} ${count}\n`
  }
}

function printExemplar({ traceIds, values, seconds }: Exemplars, bucket: number): string {
  return ` # {trace_id="${traceIds[bucket]}"} ${values[bucket]} ${seconds[bucket]!.toFixed(3)}`
}
