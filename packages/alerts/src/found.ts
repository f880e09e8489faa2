import type { Center } from './center.js'
import type { Incident } from './incident.js'

/** Takes over what an earlier process has left in the spool. Resolves once it is kept in this one's journal. */
export async function joinFound(center: Center, entries: Map<string, unknown>, lostBytes: number): Promise<void> {
  if (lostBytes > 0) {
    center.counts.dropped.corrupt++
    center.events.emit('dropped', { reason: 'corrupt', bytes: lostBytes })
    center.log.warn({ lostBytes }, 'alerts: a part of a file of the spool can’t be read; the rest is')
  }
  const nowMs = center.clock.nowMs()
  const saved: Promise<void>[] = []
  for (const [id, value] of entries) {
    if (id.startsWith('i:') && isIncident(value)) saved.push(joinIncident(center, value))
    else if (id.startsWith('s:') && isSilence(value) && value.untilMs > nowMs) {
      center.silences.restore(id, value)
      saved.push(...center.silences.all.filter((silence) => silence.id === id).map((s) => center.store.saveSilence(s)))
      center.lookAgainAt(value.untilMs)
    }
  }
  await Promise.all(saved)
}

function joinIncident(center: Center, found: Incident): Promise<void> {
  const known = center.store.get(found.key)
  if (!known) return center.adopt(found)
  // Two processes had it: it began when the first saw it, and a channel that one of them has told knows.
  known.startsAtMs = Math.min(known.startsAtMs, found.startsAtMs)
  for (const [channel, told] of Object.entries(found.told)) known.told[channel] ??= told
  return center.store.save(known)
}

function isIncident(value: unknown): value is Incident {
  const { key, alert, startsAtMs, changedAtMs, told } = (value ?? {}) as Partial<Incident>
  return (
    typeof key === 'string' &&
    typeof alert?.name === 'string' &&
    typeof alert.labels === 'object' &&
    typeof startsAtMs === 'number' &&
    typeof changedAtMs === 'number' &&
    typeof told === 'object'
  )
}

function isSilence(value: unknown): value is { matcher: unknown; untilMs: number } {
  return typeof (value as { untilMs?: unknown } | null)?.untilMs === 'number'
}
