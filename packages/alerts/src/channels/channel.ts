import { type Severity, severities } from '../alert.js'
import type { FailureHints } from '../delivery/failure.js'
import * as given from '../given.js'
import type { Notification } from '../notification.js'

/** What every channel takes. */
export interface ChannelOptions {
  /** Routes, events and logs name it so. Default the kind of channel. */
  name?: string
  /** What is less severe is not told here. Default `'info'`. */
  minSeverity?: Severity
  /** How long an attempt may take. Default 10000. */
  deadlineMs?: number
}

/** Where alerts are told: one of the ready-made, or your own. */
export interface Channel extends ChannelOptions {
  name: string
  /**
   * Fails when it throws or rejects, and is tried again, unless the error has `isFinal: true`; `retryAfterMs` on it says
   * when. `signal` fires at the deadline.
   */
  send(notification: Notification, signal: AbortSignal): unknown
  /** How many alerts a message may hold. Default 100. */
  batch?: number
  /** From one message to the next. Default 0. */
  paceMs?: number
  /** Texts that never show in a log line, an error or `stats()`. */
  secrets?: string[]
  /** Called once, before anything is sent; what it throws is thrown at registration. */
  start?(): unknown
  /** Called once, when the app closes. */
  close?(): unknown
}

export interface ResolvedChannel extends Required<Omit<Channel, 'start' | 'close'>> {
  start: (() => unknown) | undefined
  close: (() => unknown) | undefined
}

const keys = ['name', 'minSeverity', 'deadlineMs', 'send', 'batch', 'paceMs', 'secrets', 'start', 'close']

const nameRule: given.Rule = {
  must: 'a text of 1 to 100 letters, digits and _ . -',
  test: (value) => typeof value === 'string' && /^[\w.-]{1,100}$/.test(value),
}

const secretsRule: given.Rule = {
  must: 'a list of texts',
  test: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
}

/**
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function resolveChannel(of: string, channel: Channel): ResolvedChannel {
  given.need(of, channel, given.object)
  // An instance of a class has what it needs for itself.
  if (Object.getPrototypeOf(channel) === Object.prototype) given.takeObject(of, channel, keys)
  given.need(`${of}.send`, channel.send, given.callable)
  const start = given.take(`${of}.start`, channel.start, given.callable)
  const close = given.take(`${of}.close`, channel.close, given.callable)
  return {
    ...resolveCommon(of, channel, ''),
    // Called on the channel, as its author expects of a method.
    send: (notification, signal) => channel.send(notification, signal),
    batch: given.take(`${of}.batch`, channel.batch, given.count, 100),
    paceMs: given.take(`${of}.paceMs`, channel.paceMs, given.wait, 0),
    secrets: secretsRule.test(channel.secrets ?? [])
      ? (channel.secrets ?? [])
      : given.fail(`${of}.secrets`, secretsRule.must, '…'),
    start: start && (() => start.call(channel)),
    close: close && (() => close.call(channel)),
  }
}

/** @throws ERR_ALERTS_OPTION */
export function resolveCommon(of: string, options: ChannelOptions, name: string): Required<ChannelOptions> {
  return {
    name: given.need(`${of}.name`, options.name ?? name, nameRule),
    minSeverity: given.take(`${of}.minSeverity`, options.minSeverity, given.oneOf(severities), 'info'),
    deadlineMs: given.take(`${of}.deadlineMs`, options.deadlineMs, given.duration, 10_000),
  }
}

/** An error that says whether and when to try again. */
export function failure(error: Error, hints: FailureHints): Error & FailureHints {
  return Object.assign(error, hints)
}
