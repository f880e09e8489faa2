import type { Test } from 'tap'
import { AlertsOf } from '../src/alerts.js'
import { Center } from '../src/center.js'
import { localClaim } from '../src/claim/claim.js'
import { RedisClaim } from '../src/claim/redis.js'
import { RealClock } from '../src/clock.js'
import type { AlertsOptions, Channel, RedisLike } from '../src/index.js'
import { resolveOptions } from '../src/options.js'
import { Watches } from '../src/rules/watches.js'
import { FakeClock } from './fake-clock.js'

const quiet = { info() {}, warn() {}, error() {} }

/** Alerts without an app, on a clock that is turned by hand. */
export function makeCenter(
  options: Omit<AlertsOptions, 'service'>,
  lines: string[] = [],
): {
  clock: FakeClock
  center: Center
  alerts: AlertsOf
  watches: Watches
} {
  const clock = new FakeClock()
  const write = (_details: object, message: string) => void lines.push(message)
  const log = { info: write, warn: write, error: write }
  const resolved = resolveOptions({ service: 'app', ...options })
  const center = new Center(resolved, localClaim, clock, log, () => 0.5)
  return { clock, center, alerts: new AlertsOf(center), watches: new Watches(resolved.rules, center) }
}

/** Alerts without an app, claimed in Redis, whose holds are short. */
export async function startHolder(
  t: Test,
  redis: RedisLike,
  service: string,
  channel: Channel,
  holdMs: number,
): Promise<AlertsOf> {
  const clock = new RealClock()
  const resolved = resolveOptions({ service, channels: [channel], groupMs: 0, settleMs: 0, flushMs: 100 })
  const claim = new RedisClaim(redis, service, [channel.name], clock, quiet, holdMs)
  const center = new Center(resolved, claim, clock, quiet)
  t.teardown(() => center.flush().then(() => center.close()))
  await center.open()
  return new AlertsOf(center)
}
