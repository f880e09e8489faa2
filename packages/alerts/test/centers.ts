import { AlertsOf } from '../src/alerts.js'
import { Center } from '../src/center.js'
import { localClaim } from '../src/claim/claim.js'
import type { AlertsOptions } from '../src/index.js'
import { resolveOptions } from '../src/options.js'
import { Watches } from '../src/rules/watches.js'
import { FakeClock } from './fake-clock.js'

const quiet = { info() {}, warn() {}, error() {} }

/** Alerts without an app, on a clock that is turned by hand. */
export function makeCenter(options: Omit<AlertsOptions, 'service'>): {
  clock: FakeClock
  center: Center
  alerts: AlertsOf
  watches: Watches
} {
  const clock = new FakeClock()
  const resolved = resolveOptions({ service: 'app', ...options })
  const center = new Center(resolved, localClaim, clock, quiet, () => 0.5)
  return { clock, center, alerts: new AlertsOf(center), watches: new Watches(resolved.rules, center) }
}
