import type { Click } from './click.js'

/** What became of clicks since the start of the process. */
export interface ClickCounts {
  /** Of redirects that were answered. */
  accepted: number
  /** Counted in the database by this process, those of others too. */
  written: number
  /** Refused by the database, and put with the dead letters. */
  dead: number
  /** Given to the stream. */
  streamed: number
  /** That the stream did not take, or not in time, and that were written past it. */
  spilled: number
  /** Thrown away, because too many waited. */
  lost: number
}

export const noClicks = (): ClickCounts => ({ accepted: 0, written: 0, dead: 0, streamed: 0, spilled: 0, lost: 0 })

/** Where clicks go once a redirect is decided. */
export interface ClickSink {
  /** Takes a click, and never fails. What is to be waited for, before the redirect is answered, is bounded. */
  add(click: Click): Promise<void> | undefined
  /** Clicks that wait in this process. */
  readonly length: number
  /** When the oldest click came that is not counted yet; undefined if there is none. */
  oldestMs(): Promise<number | undefined>
  /** Has all that waits in this process written, until the signal aborts. */
  drain(signal: AbortSignal): Promise<void>
  close(): void
}
