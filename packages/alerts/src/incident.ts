import type { Alert, Severity } from './alert.js'

/** What a channel has been told of an incident last. */
export interface Told {
  /** suppressed: only as one of the "N suppressed". refused: the channel would not have it, and it is among the dead letters. */
  status: 'firing' | 'resolved' | 'suppressed' | 'refused'
  severity: Severity
  atMs: number
}

/** A problem, from the first time it is told until every channel knows that it is over. */
export interface Incident {
  key: string
  alert: Alert
  startsAtMs: number
  /** Set while it is over. */
  endsAtMs?: number
  /** When it last got worse, began anew, or ended. */
  changedAtMs: number
  isAcknowledged?: boolean
  /** By the name of the channel. */
  told: Record<string, Told>
}
