import { rankOf, type Severity } from '../alert.js'
import type { ResolvedChannel } from '../channels/channel.js'
import type { AlertEvents } from '../events.js'
import { type Item, suppressionOf } from '../notification.js'
import { backoffMs } from './backoff.js'
import type { Desk } from './desk.js'
import { failureOf } from './failure.js'
import { sendOnce } from './send.js'

/** One more than the limit has; should there be more of them, they wait for the next minute. */
const everyMs = 60_000
const mostNames = 20

/** What was held back, for there was too much of it: one message says how much. */
export class Suppressed {
  readonly #channel: ResolvedChannel
  readonly #desk: Desk
  #count = 0
  #severity: Severity = 'info'
  readonly #names = new Set<string>()
  #toldAtMs = -everyMs
  /** When it is to be told. */
  tellAtMs: number = Infinity

  constructor(channel: ResolvedChannel, desk: Desk) {
    this.#channel = channel
    this.#desk = desk
  }

  add(items: readonly Item[], tellAtMs: number): void {
    if (this.#count === 0) this.tellAtMs = Math.max(tellAtMs, this.#toldAtMs + everyMs)
    this.#count += items.length
    for (const { incident } of items) {
      if (rankOf(incident.alert.severity) > rankOf(this.#severity)) this.#severity = incident.alert.severity
      if (this.#names.size < mostNames) this.#names.add(incident.alert.name)
    }
  }

  /** @returns what was delivered; undefined where it was not, and will be tried again, or never */
  async tell(nowMs: number, stopped: AbortSignal): Promise<Omit<AlertEvents['delivered'], 'channel'> | undefined> {
    const { sender, clock, random } = this.#desk
    const { name, secrets } = this.#channel
    const suppressed = this.#count
    const notification = suppressionOf(name, suppressed, this.#severity, [...this.#names], sender, nowMs)
    const { id } = notification
    try {
      await sendOnce(this.#channel, notification, clock, stopped)
    } catch (error) {
      const { isFinal, retryAfterMs = 0 } = failureOf(error, secrets)
      this.tellAtMs = nowMs + Math.max(retryAfterMs, backoffMs(3, random))
      if (isFinal) this.#clear()
      return undefined
    }
    this.#toldAtMs = nowMs
    this.#clear()
    return { id, keys: [], attempts: 1, suppressed }
  }

  #clear(): void {
    this.#count = 0
    this.#severity = 'info'
    this.#names.clear()
    this.tellAtMs = Infinity
  }
}
