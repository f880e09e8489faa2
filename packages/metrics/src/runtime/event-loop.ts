import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { MetricFamily } from '../lifecycle.js'
import { counter, gauge } from './families.js'

const resolutionMs = 20
const windowMs = 30_000

/**
 * The delay of the event loop over the last 30 to 60 seconds. Time alone ends a window, never a scrape: whoever looks sees
 * the same, and a peak stays long enough for everybody to see it.
 */
export class EventLoopDelay {
  /** The older one is told; every 30 s it starts anew and becomes the younger. */
  #windows: [older: IntervalHistogram, younger: IntervalHistogram] | undefined
  #timer: NodeJS.Timeout | undefined

  start(): void {
    const window = () => {
      const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
      histogram.enable()
      return histogram
    }
    this.#windows = [window(), window()]
    this.#timer = setInterval(() => this.turn(), windowMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const window of this.#windows ?? []) window.disable()
  }

  turn(): void {
    if (!this.#windows) return
    const [older, younger] = this.#windows
    older.reset()
    this.#windows = [younger, older]
  }

  families(prefix: string): MetricFamily[] {
    const { active, idle } = performance.eventLoopUtilization()
    return [
      ...this.#delays(prefix),
      counter(`${prefix}nodejs_eventloop_active_seconds_total`, 'Time the event loop was busy.', active / 1_000),
      counter(`${prefix}nodejs_eventloop_idle_seconds_total`, 'Time the event loop waited for work.', idle / 1_000),
    ]
  }

  #delays(prefix: string): MetricFamily[] {
    const window = this.#windows?.[0]
    if (!window || window.count === 0) return []
    const help = 'How late the event loop was, over the last 30 to 60 seconds.'
    const delay = (name: string, nanoseconds: number) => {
      // It notes the time from one tick to the next, which is due after the resolution.
      const late = Math.max(0, nanoseconds - resolutionMs * 1e6)
      return gauge(`${prefix}nodejs_eventloop_lag_${name}seconds`, help, late / 1e9)
    }
    const { min, max, mean, stddev } = window
    return [
      delay('', mean),
      delay('min_', min),
      delay('max_', max),
      delay('mean_', mean),
      gauge(`${prefix}nodejs_eventloop_lag_stddev_seconds`, 'The standard deviation of that.', stddev / 1e9),
      ...[50, 90, 99].map((percent) => delay(`p${percent}_`, window.percentile(percent))),
    ]
  }
}
