/** A click, as it waits to be counted: plain data without an address, fit for a queue elsewhere. */
export interface Click {
  /** The same whenever this click is delivered again. */
  eventId: string
  linkId: number
  atMs: number
  /** The host it came from; empty if that is not known. */
  referrer: string
  browser: string
  isBot: boolean
  /** A hash, in hex, that is the same for one visitor of one link on one day. */
  visitor: string | null
}

/** The day of a time, in UTC, as 2026-01-31. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
