import { inspect } from 'node:util'
import { ValueError } from './errors.js'
import type { LabelValues } from './labels.js'
import { Metric } from './metric.js'
import { formatNumber } from './text.js'

/** One series of a counter. */
export interface BoundCounter {
  /** @throws ERR_METRICS_VALUE if it is negative or not finite */
  inc(by?: number): void
}

/** Counts up, from 0. */
export interface Counter<Name extends string = string> {
  /** @throws ERR_METRICS_VALUE if it is negative or not finite */
  inc(by?: number): void
  /** @throws ERR_METRICS_LABELS if they are not those it was made with */
  inc(labels: LabelValues<Name>, by?: number): void
  /** The series of these labels, to keep: recording into it looks nothing up. */
  labels(labels: LabelValues<Name>): BoundCounter
}

class CounterSeries implements BoundCounter {
  readonly name: string
  readonly labels: string
  value = 0

  constructor(name: string, labels: string) {
    this.name = name
    this.labels = labels
  }

  inc(by = 1): void {
    if (typeof by !== 'number' || !(by >= 0 && by < Infinity)) {
      throw new ValueError(this.name, 'a finite number from 0', inspect(by))
    }
    this.value += by
  }
}

export class CounterMetric extends Metric<CounterSeries> implements Counter {
  readonly type = 'counter'

  inc(labelsOrBy: LabelValues | number = 1, by?: number): void {
    if (typeof labelsOrBy === 'object' && labelsOrBy !== null) this.bind(labelsOrBy).inc(by)
    else this.bind({}).inc(labelsOrBy)
  }

  labels(labels: LabelValues): BoundCounter {
    return this.bind(labels)
  }

  protected create(labels: string): CounterSeries {
    return new CounterSeries(this.name, labels)
  }

  protected print({ labels, value }: CounterSeries): string {
    return `${this.name}${labels && `{${labels}}`} ${formatNumber(value)}\n`
  }
}
