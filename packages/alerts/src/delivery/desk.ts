import type { ResolvedChannel } from '../channels/channel.js'
import type { Claim } from '../claim/claim.js'
import type { Clock } from '../clock.js'
import type { Policy } from '../due.js'
import type { AlertEvents } from '../events.js'
import type { Incident } from '../incident.js'
import type { Sender } from '../notification.js'
import type { DropReason } from '../store.js'
import type { Batch } from './batch.js'
import type { Failure } from './failure.js'

/** What a lane asks, and whom it tells what has come of it. */
export interface Desk {
  readonly clock: Clock
  readonly claim: Claim
  readonly sender: Sender
  readonly random: () => number
  /** For how long a message waits for others that it can hold. */
  readonly groupMs: number
  /** How many messages a channel gets in any minute. */
  readonly perMinute: number
  /** For how long it is tried. */
  readonly maxAgeMs: number
  readonly incidents: Iterable<Incident>
  incidentOf(key: string): Incident | undefined
  /** Whether an earlier process has left it. */
  isFound(incident: Incident): boolean
  policyOf(incident: Incident, channel: ResolvedChannel): Policy
  groupOf(incident: Incident): string
  told(incident: Incident): void
  delivered(channel: ResolvedChannel, details: Omit<AlertEvents['delivered'], 'channel'>): void
  /** @param isFirst whether it has worked before */
  failed(channel: ResolvedChannel, batch: Batch, id: string, failure: Failure, isFirst: boolean): void
  recovered(channel: ResolvedChannel): void
  dropped(incident: Incident, reason: DropReason, channel?: string): void
  failedInside(error: unknown): void
}
