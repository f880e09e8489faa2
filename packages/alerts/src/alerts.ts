import { type AlertId, type AlertInput, keyOf, type Severity } from './alert.js'
import type { Center } from './center.js'
import { failureOf } from './delivery/failure.js'
import { sendOnce } from './delivery/send.js'
import type { Kind } from './due.js'
import { DeliveryError, UnknownChannelError } from './errors.js'
import type { AlertEvent, AlertEvents } from './events.js'
import * as given from './given.js'
import { checkMatcher, type Matcher } from './matcher.js'
import { testOf } from './notification.js'
import { pendingOf } from './pending.js'
import { type AlertStats, statsOf } from './stats.js'
import { Usable } from './usable.js'

/** What a channel has not been told yet. */
export interface Pending {
  key: string
  name: string
  severity: Severity
  channel: string
  kind: Kind
  attempts: number
  /** What the last attempt has failed with. */
  reason?: string
}

/** `app.alerts` */
export interface Alerts {
  /**
   * A problem is there. Resolves once that is on disk, with the key of the problem; never rejects. What can't be used of it is
   * left out or cut, and logged; without a name or a severity it is dropped, and resolves with undefined. What fires already is
   * not told again.
   */
  fire(alert: AlertInput): Promise<string | undefined>
  /** It is over. Resolves with whether it did fire, once that is on disk; never rejects. */
  resolve(alert: AlertId): Promise<boolean>
  /** A person looks after it: it is not repeated. Resolves with whether there is such an incident. */
  acknowledge(key: string): Promise<boolean>
  /**
   * What matches is not told for so long. Resolves with an id once that is on disk.
   * @throws ERR_ALERTS_OPTION
   * @throws ERR_ALERTS_UNKNOWN_OPTION
   */
  silence(matcher: Matcher, forMs: number): Promise<string>
  /**
   * Sends a message that says it is a test, now.
   * @throws ERR_ALERTS_UNKNOWN_CHANNEL
   * @throws ERR_ALERTS_DELIVERY
   */
  test(channel: string): Promise<void>
  pending(): Pending[]
  stats(): AlertStats
  on<Event extends AlertEvent>(event: Event, listener: (details: AlertEvents[Event]) => unknown): this
  off<Event extends AlertEvent>(event: Event, listener: (details: AlertEvents[Event]) => unknown): this
}

/** A disk that hangs must not hold up who tells of a problem. */
const diskMs = 1_000

/** The face of the center: checks what it is given, and never fails into a request. */
export class AlertsOf implements Alerts {
  readonly #center: Center

  constructor(center: Center) {
    this.#center = center
  }

  async fire(input: AlertInput): Promise<string | undefined> {
    return this.#guarded(async () => {
      const { key, saved } = this.#center.fire(this.#usable((usable) => usable.alert(input)))
      await this.#onDisk(saved)
      return key
    })
  }

  async resolve(id: AlertId): Promise<boolean> {
    const isKnown = await this.#guarded(async () => {
      const { service } = this.#center.sender
      const saved = this.#center.resolve(
        keyOf(
          service,
          this.#usable((usable) => usable.id(id)),
        ),
      )
      await this.#onDisk(saved)
      return saved !== undefined
    })
    return isKnown ?? false
  }

  async acknowledge(key: string): Promise<boolean> {
    const saved = this.#center.acknowledge(key)
    await this.#onDisk(saved)
    return saved !== undefined
  }

  async silence(matcher: Matcher, forMs: number): Promise<string> {
    checkMatcher('the matcher', matcher)
    const untilMs = this.#center.clock.nowMs() + given.need('forMs', forMs, given.duration)
    const silence = this.#center.silences.add(matcher, untilMs)
    this.#center.lookAgainAt(untilMs)
    await this.#onDisk(this.#center.store.saveSilence(silence))
    return silence.id
  }

  async test(name: string): Promise<void> {
    const { lanes, sender, clock } = this.#center
    const lane = lanes.find(({ channel }) => channel.name === name)
    if (!lane) throw new UnknownChannelError(`${name}`, lanes.map(({ channel }) => channel.name).join(', '))
    try {
      await sendOnce(lane.channel, testOf(sender, clock.nowMs()), clock, new AbortController().signal)
    } catch (error) {
      throw new DeliveryError(`${name}: ${failureOf(error, lane.channel.secrets).reason}`)
    }
  }

  pending(): Pending[] {
    return pendingOf(this.#center)
  }

  stats(): AlertStats {
    return statsOf(this.#center)
  }

  on<Event extends AlertEvent>(event: Event, listener: (details: AlertEvents[Event]) => unknown): this {
    this.#center.events.on(event, listener)
    return this
  }

  off<Event extends AlertEvent>(event: Event, listener: (details: AlertEvents[Event]) => unknown): this {
    this.#center.events.off(event, listener)
    return this
  }

  #usable<T>(take: (usable: Usable) => T): T {
    const usable = new Usable(this.#center.secrets)
    const taken = take(usable)
    const { faults } = usable
    if (faults.length > 0) this.#center.log.warn({ faults }, 'alerts: a part of what was told can’t be used')
    return taken
  }

  async #guarded<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (err) {
      this.#center.counts.dropped.invalid++
      this.#center.events.emit('dropped', { reason: 'invalid' })
      this.#center.log.error({ err }, 'alerts: what was told can’t be used')
      return undefined
    }
  }

  async #onDisk(saved: Promise<void> | undefined): Promise<void> {
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#center.clock.after(diskMs, resolve)
    })
    await Promise.race([saved, late])
    cancel()
  }
}
