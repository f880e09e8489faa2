import type { FastifyRequest } from 'fastify'
import * as given from './given.js'

/** A request that was too many, by a policy or several. */
export interface ExceededEvent {
  policies: string[]
  /** Whose limit it is: the key of the first of these policies. */
  key: string
  retryAfterMs: number
  /** It passed all the same. */
  isShadow: boolean
  /** Not there for `app.limiter.check`. */
  request: FastifyRequest | undefined
}

/** Redis does not answer any more, or does again. */
export interface DegradedEvent {
  isDegraded: boolean
  /** Why. */
  error?: unknown
}

/** Somebody is banned, by this instance or by another. */
export interface BannedEvent {
  policy: string
  key: string
  /** For how long from now on. */
  banMs: number
  /** How many times it has offended; 0 if it was banned by hand. */
  offences: number
}

export interface LimiterEvents {
  banned: BannedEvent
  exceeded: ExceededEvent
  degraded: DegradedEvent
}

/** Listeners. What one throws is its own business, but must not reach a request. */
export class Events {
  readonly #listeners: { [Name in keyof LimiterEvents]: Set<(event: LimiterEvents[Name]) => void> } = {
    banned: new Set(),
    exceeded: new Set(),
    degraded: new Set(),
  }
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** @throws ERR_LIMITER_OPTION if there is no such event, or the listener is no function */
  on<Name extends keyof LimiterEvents>(name: Name, listener: (event: LimiterEvents[Name]) => void): void {
    if (!Object.hasOwn(this.#listeners, name)) given.fail('the event', "'exceeded', 'degraded' or 'banned'", name)
    if (typeof listener !== 'function') given.fail('a listener', 'a function', listener)
    this.#listeners[name].add(listener)
  }

  off<Name extends keyof LimiterEvents>(name: Name, listener: (event: LimiterEvents[Name]) => void): void {
    this.#listeners[name]?.delete(listener)
  }

  has(name: keyof LimiterEvents): boolean {
    return this.#listeners[name].size > 0
  }

  emit<Name extends keyof LimiterEvents>(name: Name, event: LimiterEvents[Name]): void {
    for (const listener of this.#listeners[name]) {
      try {
        const result: unknown = listener(event)
        if (result instanceof Promise) result.catch(this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
