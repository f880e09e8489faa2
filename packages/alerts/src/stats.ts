import type { Center } from './center.js'
import { pendingOf } from './pending.js'
import type { DropReason } from './store.js'

export interface AlertStats {
  /** Incidents that are there now. */
  firing: number
  /** Messages, or parts of one, that a channel has not been told yet. */
  pending: number
  fired: number
  resolved: number
  dropped: Record<DropReason, number>
  /** Messages by channel: delivered, attempts that failed, and messages refused for good; and whether it is gone (410). */
  channels: Record<string, { delivered: number; failed: number; refused: number; isGone: boolean }>
  /** The size of the journal on disk. */
  spool?: { bytes: number }
}

export function statsOf(center: Center): AlertStats {
  const { counts, lanes, spool } = center
  const channels = lanes.map((lane) => [lane.channel.name, { ...counts.of(lane.channel.name), isGone: lane.isGone }])
  return {
    firing: [...center.incidents].filter(({ endsAtMs }) => endsAtMs === undefined).length,
    pending: pendingOf(center).length,
    fired: counts.fired,
    resolved: counts.resolved,
    dropped: { ...counts.dropped },
    channels: Object.fromEntries(channels),
    ...(spool && { spool: { bytes: spool.journal.fileBytes } }),
  }
}
