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

/** Series by their labels, up to a limit. */
export abstract class Metric<Series extends object> {
  abstract readonly type: MetricType
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly #maxSeries: number
  readonly #series = new Map<string, Series>()
  #overflow: Series | undefined
  #turnedAway = 0

  constructor({ name, help, labelNames = [], maxSeries }: MetricOptions & { maxSeries: number }) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#maxSeries = maxSeries
  }

  /** How often a label set found no room. */
  get turnedAway(): number {
    return this.#turnedAway
  }

  get isFull(): boolean {
    return this.#series.size >= this.#maxSeries
  }

  /** The series of these labels, to keep and to record into without looking it up again. */
  bind(values: LabelValues): Series {
    checkLabels(this.name, this.labelNames, values)
    const labels = labelText(this.labelNames, values)
    return this.#series.get(labels) ?? this.#add(labels)
  }

  /** Whether this is where label sets go that found no room. */
  isOverflow(series: Series): boolean {
    return series === this.#overflow
  }

  /** The lines of each series. */
  *pieces(isOpenMetrics: boolean): Generator<string> {
    for (const series of this.#series.values()) yield this.print(series, isOpenMetrics)
    if (this.#overflow) yield this.print(this.#overflow, isOpenMetrics)
  }

  protected abstract create(labels: string): Series
  protected abstract print(series: Series, isOpenMetrics: boolean): string

  #add(labels: string): Series {
    if (this.isFull) {
      this.#turnedAway++
      const everywhere = Object.fromEntries(this.labelNames.map((name) => [name, overflow]))
      this.#overflow ??= this.create(labelText(this.labelNames, everywhere))
      return this.#overflow
    }
    const series = this.create(labels)
    this.#series.set(labels, series)
    return series
  }
}
