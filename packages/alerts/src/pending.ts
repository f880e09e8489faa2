import type { Pending } from './alerts.js'
import type { Center } from './center.js'
import { due } from './due.js'

/** What is on its way, and what would be told by now. */
export function pendingOf(center: Center): Pending[] {
  const nowMs = center.clock.nowMs()
  return center.lanes.flatMap((lane) => {
    if (lane.isGone) return []
    const channel = lane.channel.name
    const batches = new Map(
      lane.batches.flatMap((batch) => batch.items.map(({ incident }) => [incident.key, batch] as const)),
    )
    return [...center.incidents].flatMap((incident) => {
      const { key, alert } = incident
      const { attempts = 0, reason } = batches.get(key) ?? {}
      const { kind } = due(incident, channel, center.policyOf(incident, lane.channel), nowMs, attempts > 0)
      if (!kind) return []
      const { name, severity } = alert
      return [{ key, name, severity, channel, kind, attempts, ...(reason !== undefined && { reason }) }]
    })
  })
}
