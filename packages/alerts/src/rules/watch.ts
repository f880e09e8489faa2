import type { Alert } from '../alert.js'
import { keyOf } from '../alert.js'
import type { Center } from '../center.js'
import type { Readings } from './readings.js'
import { Series } from './series.js'
import type { ResolvedRule } from './threshold.js'

/** A function that takes longer is told of; it is not asked anew meanwhile. */
const slowMs = 10_000

/** Looks at the values of a rule, and fires and resolves its alerts. */
export class Watch {
  readonly #rule: ResolvedRule
  readonly #center: Center
  readonly #readings: Readings
  readonly #series = new Map<string | undefined, Series>()
  #cancel: (() => void) | undefined
  #isAsking = false
  #hasFailed = false
  #isStopped = false

  constructor(rule: ResolvedRule, center: Center, readings: Readings) {
    this.#rule = rule
    this.#center = center
    this.#readings = readings
  }

  start(): void {
    const nowMs = this.#center.clock.nowMs()
    for (const { alert, endsAtMs } of this.#center.incidents) {
      const isOurs = alert.rule === this.#rule.name && endsAtMs === undefined
      if (isOurs) this.#series.set(alert.labels.route, new Series(this.#rule, true, nowMs))
    }
    this.#next()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
  }

  #next(): void {
    if (this.#isStopped) return
    this.#cancel = this.#center.clock.after(this.#rule.tickMs, () => {
      this.#next()
      void this.#look()
    })
  }

  async #look(): Promise<void> {
    if (this.#isAsking) return // a function takes its time
    this.#isAsking = true
    const cancel = this.#center.clock.after(slowMs, () => this.#failed(new Error(`no answer within ${slowMs} ms`)))
    try {
      const values = this.#readings.of(this.#rule)
      for (const [route, value] of values instanceof Promise ? await values : values) {
        // Too few requests end an alert; where it is not known what a value is, it stays as it was.
        if (value !== undefined || this.#rule.wish) this.#note(route, value)
      }
      this.#hasFailed = false
    } catch (error) {
      this.#failed(error)
    } finally {
      cancel()
      this.#isAsking = false
    }
  }

  /** Said once, until it can be looked at again. */
  #failed(err: unknown): void {
    if (!this.#hasFailed) this.#center.log.warn({ err, rule: this.#rule.name }, 'alerts: a rule can’t be looked at')
    this.#hasFailed = true
  }

  #note(route: string | undefined, value: number | undefined): void {
    if (this.#isStopped) return
    const nowMs = this.#center.clock.nowMs()
    const series = this.#series.get(route) ?? new Series(this.#rule, false, nowMs)
    const act = series.note(value, nowMs)
    if (series.isIdle) this.#series.delete(route)
    else this.#series.set(route, series)
    const alert = this.#alertOf(route, value)
    if (act === 'fire') void this.#center.fire(alert)
    else if (act === 'resolve') void this.#center.resolve(keyOf(this.#center.sender.service, alert))
  }

  #alertOf(route: string | undefined, value: number | undefined): Alert {
    const { name, severity, above, below, summary, labels, runbookUrl, dashboardUrl, repeatMs, on } = this.#rule
    const threshold = above ?? below!
    const what = typeof on === 'function' ? name : on
    const measured = value === undefined ? '' : ` is ${Math.round(value * 1_000) / 1_000}`
    const told = `${what}${route === undefined ? '' : ` of ${route}`}${measured}, ${above === undefined ? 'below' : 'above'} ${threshold}`
    return {
      name,
      severity,
      summary: summary ?? told,
      labels: { ...labels, ...(route !== undefined && { route }) },
      ...(value !== undefined && { value }),
      threshold,
      ...(runbookUrl !== undefined && { runbookUrl }),
      ...(dashboardUrl !== undefined && { dashboardUrl }),
      ...(repeatMs !== undefined && { repeatMs }),
      rule: name,
    }
  }
}
