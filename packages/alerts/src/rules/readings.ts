import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { ResolvedRule } from './threshold.js'
import type { Traffic } from './traffic.js'

type Values = [route: string | undefined, value: number | undefined][]

const resolutionMs = 20

/** What rules look at. */
export class Readings {
  readonly #traffic: Traffic
  /**
   * Two for each rule, which reads the older one and starts it anew at each look: over the last two intervals, for the first delay
   * after a start is not noted.
   */
  readonly #delays = new Map<ResolvedRule, [older: IntervalHistogram, younger: IntervalHistogram]>()

  constructor(traffic: Traffic) {
    this.#traffic = traffic
  }

  of(rule: ResolvedRule): Values | Promise<Values> {
    const { on, wish, minCount } = rule
    if (wish) {
      return this.#traffic.of(wish).map(([route, window]) => {
        if (window.count < minCount) return [route, undefined]
        return [route, on === 'errorRate' ? window.errorRate : window.quantile(on === 'p95Ms' ? 0.95 : 0.99)]
      })
    }
    if (on === 'heapUsedBytes') return [[undefined, process.memoryUsage().heapUsed]]
    if (on === 'eventLoopDelayMs') return [[undefined, this.#delayOf(rule)]]
    return Promise.resolve((on as () => number | undefined | Promise<number | undefined>)()).then((value) => {
      if (value !== undefined && !Number.isFinite(value)) throw new TypeError(`${value} is no number`)
      return [[undefined, value]]
    })
  }

  start(rules: readonly ResolvedRule[]): void {
    for (const rule of rules) {
      if (rule.on !== 'eventLoopDelayMs') continue
      const [older, younger] = [resolutionMs, resolutionMs].map((resolution) => monitorEventLoopDelay({ resolution }))
      older!.enable()
      younger!.enable()
      this.#delays.set(rule, [older!, younger!])
    }
  }

  stop(): void {
    for (const histogram of [...this.#delays.values()].flat()) histogram.disable()
    this.#delays.clear()
  }

  #delayOf(rule: ResolvedRule): number | undefined {
    const delays = this.#delays.get(rule)
    if (!delays) return undefined
    const [histogram, younger] = delays
    this.#delays.set(rule, [younger, histogram])
    if (histogram.count === 0) return undefined
    // It notes the time from one tick to the next, which is due after the resolution.
    const lateMs = Math.max(0, histogram.percentile(99) / 1e6 - resolutionMs)
    histogram.reset()
    return lateMs
  }
}
