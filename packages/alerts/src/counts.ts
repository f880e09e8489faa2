import type { DropReason } from './store.js'

/** Plain counters, read by `stats()` and at a scrape. */
export class Counts {
  fired = 0
  resolved = 0
  readonly dropped: Record<DropReason, number> = { full: 0, age: 0, corrupt: 0, invalid: 0, suppressed: 0 }
  readonly channels: Map<string, { delivered: number; failed: number; refused: number }> = new Map()

  of(channel: string): { delivered: number; failed: number; refused: number } {
    const known = this.channels.get(channel)
    if (known) return known
    const counts = { delivered: 0, failed: 0, refused: 0 }
    this.channels.set(channel, counts)
    return counts
  }
}
