import { rankOf, type Severity } from './alert.js'
import type { Incident } from './incident.js'

/**
 * fire: a problem that is new to the channel. update: its severity has changed. repeat: it is still there. resolve: it is over.
 * over: it is over, and the channel has not heard of it before.
 */
export type Kind = 'fire' | 'update' | 'repeat' | 'resolve' | 'over'

/** How a channel is told of an incident. */
export interface Policy {
  minSeverity: Severity
  /** For how long an incident must be over before that is told: one that flaps is told once. */
  settleMs: number
  repeatMs: number | undefined
  isSilenced: boolean
  /** Whether the routes lead the incident to the channel. */
  isRouted: boolean
}

/** What to tell; or when to look again, if time alone can change it. */
export type Due = { kind: Kind } | { kind: undefined; atMs: number | undefined }

const nothing: Due = { kind: undefined, atMs: undefined }

/**
 * What a channel must be told of an incident by now. It follows from what is and what was told, not from a queue of events: what
 * has come and gone meanwhile needs no message, and a resolve can't go before its trigger.
 * @param isLate an attempt to tell it has failed, or another process has left it: then its end is not waited for
 */
export function due(incident: Incident, channel: string, policy: Policy, nowMs: number, isLate: boolean): Due {
  const told = incident.told[channel]
  const { alert, endsAtMs } = incident
  const hasHeard = told?.status === 'firing'
  if (endsAtMs !== undefined) {
    if (!hasHeard && (told || !isWanted(incident, policy))) return nothing
    // The first message does not wait for the end of flapping, unless it is late already.
    const settledMs = endsAtMs + policy.settleMs
    if (nowMs >= settledMs || (isLate && !hasHeard)) return { kind: hasHeard ? 'resolve' : 'over' }
    if (hasHeard) return { kind: undefined, atMs: settledMs }
    return { kind: 'fire' }
  }
  if (hasHeard || told?.status === 'suppressed' || told?.status === 'refused') {
    if (policy.isSilenced) return nothing
    if (told.severity !== alert.severity) {
      const isWorse = rankOf(alert.severity) > rankOf(told.severity)
      if (hasHeard) return { kind: 'update' }
      return isWorse && isWanted(incident, policy) ? { kind: 'fire' } : nothing
    }
    if (policy.repeatMs === undefined || incident.isAcknowledged) return nothing
    const repeatAtMs = told.atMs + policy.repeatMs
    return nowMs >= repeatAtMs ? { kind: hasHeard ? 'repeat' : 'fire' } : { kind: undefined, atMs: repeatAtMs }
  }
  return isWanted(incident, policy) ? { kind: 'fire' } : nothing
}

function isWanted({ alert }: Incident, { minSeverity, isSilenced, isRouted }: Policy): boolean {
  return isRouted && !isSilenced && rankOf(alert.severity) >= rankOf(minSeverity)
}

/** Whether nothing is left to tell the channel, now or later, of an incident that is over. */
export function isDone(incident: Incident, channel: string, policy: Policy, nowMs: number): boolean {
  const next = due(incident, channel, policy, nowMs, false)
  return incident.endsAtMs !== undefined && next.kind === undefined && next.atMs === undefined
}
