import { checkLabels, type LabelValues, labelText, overflow } from './labels.js'

/** What a metric is made with. */
export interface MetricOptions<Name extends string = string> {
  /** By Prometheus' conventions: the unit at the end, and `_total` after that for a counter. */
  name: string
  help: string
  labelNames?: readonly Name[]
  /** How many label sets it keeps; what comes after those is counted in one series `__overflow__`. Default: the plugin's. */
  maxSeries?: number
}

export type MetricType = 'counter' | 'gauge' | 'histogram'

export interface Labelled {
  /** As they are written. */
  readonly labels: string
}

/** What the plugin itself makes a metric with. */
export interface OwnMetricOptions extends MetricOptions {
  maxSeries: number
  /** Labels of few values, that are told of what finds no room too. */
  keptLabels?: readonly string[]
}

/** Series by their labels, up to a limit. */
export abstract class Metric<Series extends Labelled> {
  abstract readonly type: MetricType
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly maxSeries: number
  readonly #keptLabels: readonly string[]
  readonly #series = new Map<string, Series>()
  /** What label sets go to that found no room: one, or one for each value of the kept labels. */
  readonly #overflows = new Map<string, Series>()
  #turnedAway = 0

  constructor({ name, help, labelNames = [], maxSeries, keptLabels = [] }: OwnMetricOptions) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.maxSeries = maxSeries
    this.#keptLabels = keptLabels
  }

  /** How often a label set found no room. */
  get turnedAway(): number {
    return this.#turnedAway
  }

  get isFull(): boolean {
    return this.#series.size >= this.maxSeries
  }

  /** The series of these labels, to keep and to record into without looking it up again. */
  bind(values: LabelValues): Series {
    checkLabels(this.name, this.labelNames, values)
    const labels = labelText(this.labelNames, values)
    return this.#series.get(labels) ?? (this.isFull ? this.#overflow(values) : this.#add(labels))
  }

  /** Whether this is where label sets go that found no room. */
  isOverflow(series: Series): boolean {
    return this.#overflows.get(series.labels) === series
  }

  /** The lines of each series. */
  *pieces(isOpenMetrics: boolean): Generator<string> {
    for (const series of this.#series.values()) yield this.print(series, isOpenMetrics)
    for (const series of this.#overflows.values()) yield this.print(series, isOpenMetrics)
  }

  protected abstract create(labels: string): Series
  protected abstract print(series: Series, isOpenMetrics: boolean): string

  #add(labels: string): Series {
    const series = this.create(labels)
    this.#series.set(labels, series)
    return series
  }

  #overflow(values: LabelValues): Series {
    this.#turnedAway++
    const told = this.labelNames.map((name) => [name, this.#keptLabels.includes(name) ? values[name] : overflow])
    const labels = labelText(this.labelNames, Object.fromEntries(told))
    const series = this.#overflows.get(labels) ?? this.create(labels)
    this.#overflows.set(labels, series)
    return series
  }
}
