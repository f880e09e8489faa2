import { pause } from './clock.js'
import type { Core } from './core.js'
import { LoadFailedError } from './errors.js'
import type { Flight, Landing } from './flight.js'
import { placeOf } from './keys.js'
import type { Grant } from './l2.js'
import { leaseMs, load } from './loading.js'
import { type Found, lookUp } from './lookup.js'
import { servable } from './stale.js'

/** How often what another process loads is looked for. */
const [firstLookMs, lastLookMs] = [5, 50]
/** After another process was found to refresh already. */
const nextRefreshMs = 50
const mostTries = 10

/** Finds a value that was not simply there: by a load, by that of another process, or past its time. */
export async function search(core: Core, flight: Flight, first: Found): Promise<Landing> {
  const { lock, memory } = core
  const { request } = flight
  const { key, options } = request
  let next: Found | undefined = first
  for (let tries = 0, lookMs = firstLookMs, patienceMs = 0; ; ) {
    const found: Found = next ?? (await lookUp(core, request, options.refreshAheadMs))
    next = undefined
    if (found.is === 'down') return load(core, flight, undefined)
    // Redis has something else, and what memory held may have been invalidated unheard.
    if (core.sync?.isComplete === false) flight.stale = undefined
    if (found.is === 'failed') return failedElsewhere(flight, found.reason)
    if (found.is === 'fresh' && found.entry.version !== flight.replaces) {
      if (flight.isVoid && tries++ < mostTries) continue // it may have been read before it was invalidated
      if (!flight.isVoid) memory?.set(key, found.entry)
      return { entry: found.entry, from: 'l2', isVoid: flight.isVoid }
    }
    if (found.is === 'stale' || found.is === 'fresh') flight.stale = found.entry
    const grant = await begin(core, key, found)
    if (grant === undefined || (grant.is === 'changed' && tries++ >= mostTries)) return load(core, flight, undefined)
    if (grant.is === 'changed') continue
    if (grant.is === 'failed') return failedElsewhere(flight, 'it is not tried again yet')
    // Who loads beside another shares its token: both may store, as long as nothing was invalidated.
    if (grant.is === 'granted' || !lock) return load(core, flight, grant.token)
    if (flight.replaces !== undefined) return leaveToOther(flight)
    const stale = servable(flight.stale, options.graceMs)
    if (stale) return { entry: stale, from: 'stale', isVoid: flight.isVoid }
    patienceMs ||= performance.now() + lock.waitMs
    if (performance.now() >= patienceMs) return load(core, flight, grant.token)
    await pause(lookMs)
    lookMs = Math.min(lastLookMs, lookMs * 2)
  }
}

async function begin(
  core: Core,
  key: string,
  found: Exclude<Found, { is: 'down' | 'failed' }>,
): Promise<Grant | undefined> {
  const { l2, lock, entries } = core
  if (found.is === 'busy') return found
  const seen = found.is === 'missing' ? found.seen : found.entry.version
  return l2!.begin(key, seen, entries.newToken(), lock?.ttlMs ?? leaseMs).catch(() => undefined)
}

function leaveToOther({ stale }: Flight): Landing {
  if (stale) stale.untilMs = Math.min(stale.l1UntilMs, performance.now() + nextRefreshMs)
  return { entry: stale!, from: 'stale', isVoid: false }
}

function failedElsewhere(flight: Flight, reason: string): Landing {
  const { key, options } = flight.request
  const stale = servable(flight.stale, options.graceMs)
  if (stale) return { entry: stale, from: 'stale', isVoid: flight.isVoid }
  throw new LoadFailedError(placeOf(key).key, reason)
}
