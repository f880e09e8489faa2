import type { Center } from '../center.js'
import type { Clock } from '../clock.js'
import type { Log } from '../log.js'
import { Readings } from './readings.js'
import type { ResolvedRule } from './threshold.js'
import { Traffic, type WindowWish } from './traffic.js'
import { Watch } from './watch.js'
import { sliceCount } from './window.js'

/** All rules of an app, and the windows they look at. */
export class Watches {
  readonly traffic: Traffic
  /** Whether any of them looks at requests. */
  readonly hasTraffic: boolean
  readonly #rules: readonly ResolvedRule[]
  readonly #readings: Readings
  readonly #watches: Watch[]
  readonly #clock: Clock
  readonly #log: Log
  readonly #windowTimes: Set<number>
  readonly #cancels = new Map<number, () => void>()

  constructor(rules: readonly ResolvedRule[], center: Center) {
    const wishes = rules.map(({ wish }) => wish).filter((wish): wish is WindowWish => wish !== undefined)
    this.#rules = rules
    this.#clock = center.clock
    this.#log = center.log
    this.traffic = new Traffic(wishes)
    this.hasTraffic = wishes.length > 0
    this.#windowTimes = new Set(wishes.map(({ windowMs }) => windowMs))
    this.#readings = new Readings(this.traffic)
    this.#watches = rules.map((rule) => new Watch(rule, center, this.#readings))
  }

  /** @param isRoute whether there is a route of this template */
  start(isRoute: (url: string) => boolean = () => true): void {
    for (const { name, route } of this.#rules) {
      if (route === undefined || isRoute(route)) continue
      this.#log.warn({ rule: name, route }, 'alerts: a rule watches a route that there is not')
    }
    this.#readings.start(this.#rules)
    for (const watch of this.#watches) watch.start()
    // After the rules have set their timers of the same length: they look at whole windows.
    for (const windowMs of this.#windowTimes) this.#advance(windowMs)
  }

  stop(): void {
    for (const watch of this.#watches) watch.stop()
    for (const cancel of this.#cancels.values()) cancel()
    this.#readings.stop()
  }

  #advance(windowMs: number): void {
    const cancel = this.#clock.after(windowMs / sliceCount, () => {
      this.#advance(windowMs)
      this.traffic.advance(windowMs)
    })
    this.#cancels.set(windowMs, cancel)
  }
}
