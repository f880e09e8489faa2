import type { Core } from './core.js'
import type { Packed } from './entries.js'
import type { ResolvedEntryOptions } from './entry-options.js'
import { LoadTimeoutError } from './errors.js'
import type { Flight, Landing, LoadContext } from './flight.js'
import { placeOf } from './keys.js'
import { servable } from './stale.js'

/** Runs the loader. With a token, Redis stores what it brings, if nothing invalidates it meanwhile. */
export async function load(core: Core, flight: Flight, token: string | undefined): Promise<Landing> {
  const { counters } = core
  const beganMs = performance.now()
  // Before the loader reads anything: what is invalidated from here on, it may have missed.
  const stamp = core.knownNumber()
  const stopKeeping = keepToken(core, flight, token)
  counters.loads++
  let packed: Packed
  try {
    const { value, options } = await runLoader(core, flight)
    packed = core.entries.pack({ ...flight.request, value }, options, { beganMs, stamp })
  } catch (error) {
    stopKeeping()
    return fail(core, flight, token, error, beganMs)
  }
  stopKeeping()
  const { entry } = packed
  const isVoid = flight.isVoid || !core.stamps.holds(stamp, entry.stamps)
  const keeps = !isVoid && packed.lifeMs > 0
  if (isVoid) counters.voidedLoads++
  if (packed.isOversized) counters.oversized++
  if (keeps) core.memory?.set(flight.request.key, entry)
  else if (!isVoid) core.memory?.delete(flight.request.key) // what it found is not to be kept, and has replaced what was there
  core.failures.delete(flight.request.key)
  core.inBackground(settle(core, flight, token, packed, { keeps, isVoid }, beganMs))
  return { entry, from: 'load', isVoid }
}

/** Hands it to Redis, or gives the token back. Callers don't wait for it. */
async function settle(
  core: Core,
  { request: { key } }: Flight,
  token: string | undefined,
  { entry, text, lifeMs, isOversized }: Packed,
  { keeps, isVoid }: { keeps: boolean; isVoid: boolean },
  beganMs: number,
): Promise<void> {
  const ms = performance.now() - beganMs
  let stored = keeps
  if (token !== undefined) {
    if (keeps && !isOversized) {
      const answer = await core.l2!.store(key, token, text, lifeMs).catch(() => undefined)
      if (answer === false && core.memory?.get(key) === entry) core.memory?.delete(key)
      stored = answer === true
    } else if (isVoid) await core.l2!.giveUp(key, token, 0, '').catch(() => {})
    else await drop(core, key, token)
  }
  if (core.events.has('load')) core.events.emit('load', { ...placeOf(key), ms, stored })
}

/** What was there before is gone; who reads here meanwhile waits for it. */
async function drop({ l2, deleting }: Core, key: string, token: string): Promise<void> {
  const dropped = l2!.drop(key, token).catch(() => {})
  deleting.set(key, dropped)
  await dropped
  if (deleting.get(key) === dropped) deleting.delete(key)
}

function fail(core: Core, flight: Flight, token: string | undefined, error: unknown, beganMs: number): Landing {
  const { key, options } = flight.request
  core.counters.loadErrors++
  const now = performance.now()
  const isRefresh = flight.replaces !== undefined
  // A refresh that fails keeps nobody from trying once the value has ended; a cache that closes keeps no other process from it.
  const mostMs = isRefresh ? Math.max(0, flight.stale!.freshUntilMs - now) : Infinity
  const backoffMs = flight.isVoid || core.closing.signal.aborted ? 0 : Math.min(options.errorBackoffMs, mostMs)
  if (backoffMs > 0) core.failures.set(key, { error, untilMs: now + backoffMs, isRefresh, stale: flight.stale })
  if (token !== undefined) {
    const reason = `${(error as Error)?.message ?? error}`.slice(0, 200)
    core.inBackground(core.l2!.giveUp(key, token, backoffMs, reason).catch(() => {}))
  }
  if (core.events.has('load'))
    core.events.emit('load', { ...placeOf(key), ms: performance.now() - beganMs, stored: false, error })
  const stale = servable(flight.stale, options.graceMs)
  if (stale && !flight.isVoid) return { entry: stale, from: 'stale', isVoid: false }
  throw error
}

/** @throws ERR_CACHE_LOAD_TIMEOUT, or what the loader throws */
function runLoader(core: Core, flight: Flight): Promise<{ value: unknown; options: ResolvedEntryOptions }> {
  const { key, load, options: given } = flight.request
  let options = given
  const ended = new AbortController()
  return new Promise((resolve, reject) => {
    const { hardTimeoutMs } = given
    const { signal } = core.closing
    if (signal.aborted) throw signal.reason
    const giveUp = (error: unknown) => {
      done()
      reject(error)
      ended.abort(error)
    }
    const timer =
      hardTimeoutMs === Infinity
        ? undefined
        : setTimeout(() => giveUp(new LoadTimeoutError(placeOf(key).key, hardTimeoutMs)), hardTimeoutMs)
    const onClose = () => giveUp(signal.reason)
    signal.addEventListener('abort', onClose, { once: true })
    const context: LoadContext = {
      signal: ended.signal,
      stale: flight.stale?.value,
      set(more) {
        options = core.resolver.add(more, options)
      },
    }
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onClose)
    }
    ;(async () => load(context))()
      .finally(done)
      .then((value) => resolve({ value, options }), reject)
  })
}

/** A load may take longer than the lock lasts, as long as its process lives. */
function keepToken(
  { l2, lock, inBackground }: Core,
  { request: { key } }: Flight,
  token: string | undefined,
): () => void {
  if (token === undefined) return () => {}
  const ttlMs = lock?.ttlMs ?? leaseMs
  const timer = setInterval(() => inBackground(l2!.keep(key, token, ttlMs).catch(() => {})), ttlMs / 3).unref()
  return () => clearInterval(timer)
}

/** How long a token lasts where nobody waits for it. */
export const leaseMs = 10_000
