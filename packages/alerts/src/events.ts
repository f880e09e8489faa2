import type { Severity } from './alert.js'
import * as given from './given.js'
import type { Log } from './log.js'
import type { DropReason } from './store.js'

/** What can be listened to, with what is handed over. */
export interface AlertEvents {
  /** A problem begins. */
  fired: { key: string; name: string; severity: Severity }
  /** It is over, and has been for `settleMs`. */
  resolved: { key: string; name: string; durationMs: number }
  /** A channel has a message. */
  delivered: { channel: string; id: string; keys: string[]; attempts: number; suppressed: number }
  /** An attempt has failed. `isFinal`: it was the last one, and the message is among the dead letters. */
  failed: { channel: string; id: string; keys: string[]; attempts: number; isFinal: boolean; reason: string }
  /** Something was given up. */
  dropped: { reason: DropReason; key?: string; channel?: string; bytes?: number }
}

export type AlertEvent = keyof AlertEvents

type Listener<Event extends AlertEvent> = (details: AlertEvents[Event]) => unknown

const names: AlertEvent[] = ['fired', 'resolved', 'delivered', 'failed', 'dropped']

/** Listeners, which may fail: that is logged. */
export class Events {
  readonly #listeners = new Map<AlertEvent, Set<Listener<never>>>(names.map((name) => [name, new Set()]))
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  on<Event extends AlertEvent>(event: Event, listener: Listener<Event>): void {
    given.need('the event', event, given.oneOf(names))
    given.need('the listener', listener, given.callable)
    this.#listeners.get(event)?.add(listener as Listener<never>)
  }

  off<Event extends AlertEvent>(event: Event, listener: Listener<Event>): void {
    this.#listeners.get(event)?.delete(listener as Listener<never>)
  }

  emit<Event extends AlertEvent>(event: Event, details: AlertEvents[Event]): void {
    const failed = (err: unknown) => this.#log.warn({ err }, `a listener to "${event}" of alerts failed`)
    for (const listener of this.#listeners.get(event)!) (async () => listener(details as never))().catch(failed)
  }
}
