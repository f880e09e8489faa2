import type { Severity } from '../alert.js'
import type { Kind } from '../due.js'
import type { Incident } from '../incident.js'

/** go: tell it. told: another process has. wait: another is about to, or still holds the incident; ask again after so long. */
export type Verdict = 'go' | 'told' | { waitMs: number }

/** Who of several processes tells what. */
export interface Claim {
  /** @param onOver a channel was told, before `atMs`, that an incident is over which this process still sees */
  start(onOver: (key: string, channel: string, atMs: number) => void): void
  /** This process sees the problem. */
  hold(incident: Incident): void
  /** It no longer does. */
  letGo(key: string): void
  acknowledge(key: string): void
  /** @param leaseMs after which another may tell it, if this process does not say that it has */
  ask(incident: Incident, channel: string, kind: Kind, repeatMs: number | undefined, leaseMs: number): Promise<Verdict>
  done(key: string, channel: string, kind: Kind, severity: Severity): void
  /** It could not tell it: others may. */
  giveUp(key: string, channel: string): void
  /** @param isLeft whether the incidents go on in a spool, and must not end meanwhile */
  close(isLeft: boolean): Promise<void>
}

/** Where one process is alone. */
export const localClaim: Claim = {
  start() {},
  hold() {},
  letGo() {},
  acknowledge() {},
  ask: async () => 'go',
  done() {},
  giveUp() {},
  close: async () => {},
}
