import { inspect } from 'node:util'
import { ValueError } from './errors.js'
import type { LabelValues } from './labels.js'
import { Metric } from './metric.js'
import { formatNumber } from './text.js'

/** One series of a gauge. */
export interface BoundGauge {
  /** @throws ERR_METRICS_VALUE if it is no number */
  set(value: number): void
  inc(by?: number): void
  dec(by?: number): void
}

/** Goes up and down. */
export interface Gauge<Name extends string = string> {
  /** @throws ERR_METRICS_VALUE if it is no number */
  set(value: number): void
  /** @throws ERR_METRICS_LABELS if they are not those it was made with */
  set(labels: LabelValues<Name>, value: number): void
  inc(by?: number): void
  inc(labels: LabelValues<Name>, by?: number): void
  dec(by?: number): void
  dec(labels: LabelValues<Name>, by?: number): void
  /** The series of these labels, to keep: recording into it looks nothing up. */
  labels(labels: LabelValues<Name>): BoundGauge
}

class GaugeSeries implements BoundGauge {
  readonly name: string
  readonly labels: string
  value = 0

  constructor(name: string, labels: string) {
    this.name = name
    this.labels = labels
  }

  set(value: number): void {
    this.value = this.#checked(value)
  }

  inc(by = 1): void {
    this.value += this.#checked(by)
  }

  dec(by = 1): void {
    this.value -= this.#checked(by)
  }

  #checked(value: number): number {
    if (typeof value !== 'number') throw new ValueError(this.name, 'a number', inspect(value))
    return value
  }
}

export class GaugeMetric extends Metric<GaugeSeries> implements Gauge {
  readonly type = 'gauge'

  set(labelsOrValue: LabelValues | number, value?: number): void {
    if (typeof labelsOrValue === 'object' && labelsOrValue !== null) this.bind(labelsOrValue).set(value as number)
    else this.bind({}).set(labelsOrValue)
  }

  inc(labelsOrBy: LabelValues | number = 1, by?: number): void {
    if (typeof labelsOrBy === 'object' && labelsOrBy !== null) this.bind(labelsOrBy).inc(by)
    else this.bind({}).inc(labelsOrBy)
  }

  dec(labelsOrBy: LabelValues | number = 1, by?: number): void {
    if (typeof labelsOrBy === 'object' && labelsOrBy !== null) this.bind(labelsOrBy).dec(by)
    else this.bind({}).dec(labelsOrBy)
  }

  labels(labels: LabelValues): BoundGauge {
    return this.bind(labels)
  }

  protected create(labels: string): GaugeSeries {
    return new GaugeSeries(this.name, labels)
  }

  protected print({ labels, value }: GaugeSeries): string {
    return `${this.name}${labels && `{${labels}}`} ${formatNumber(value)}\n`
  }
}
