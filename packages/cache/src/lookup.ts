import { nowMs } from './clock.js'
import type { Core } from './core.js'
import { placeOf, stampsOf } from './keys.js'
import type { Entry } from './memory.js'
import { parse, type Stored, type StoredEntry } from './text.js'

/** What Redis has for a key. */
export type Found =
  | { is: 'fresh' | 'stale'; entry: Entry }
  /** `seen` is what `begin` is to be told. */
  | { is: 'missing'; seen: string }
  | { is: 'busy'; token: string }
  | { is: 'failed'; reason: string }
  | { is: 'down' }

const down: Found = { is: 'down' }

interface Place {
  key: string
  namespace: string
}

export function lookUp(core: Core, place: Place, refreshAheadMs: number): Promise<Found> {
  return new Promise((done) => look(core, place, refreshAheadMs, done))
}

/** The same without a promise: what is read from Redis alone comes by here each time. It may call back at once. */
export function look(core: Core, place: Place, refreshAheadMs: number, done: (found: Found) => void): void {
  if (!core.l2 || core.sync!.isReadOnly) done(down)
  else if (core.deleting.size === 0 && core.sync!.hasClock) ask(core, place, refreshAheadMs, done)
  else canAsk(core, place.key).then((can) => (can ? ask(core, place, refreshAheadMs, done) : done(down)))
}

function ask(core: Core, place: Place, refreshAheadMs: number, done: (found: Found) => void): void {
  if (core.pending.has(place.key)) {
    done(down)
    return
  }
  core.l2!.get(place.key, (error, text) => {
    const found = error ? down : judge(core, place, text!, refreshAheadMs)
    if (found instanceof Promise) found.then(done)
    else done(found)
  })
}

/** Many at once. */
export async function lookUpAll(core: Core, places: Place[]): Promise<Found[]> {
  const asked: Place[] = []
  for (const place of places) if (await canAsk(core, place.key)) asked.push(place)
  if (asked.length === 0) return places.map(() => down)
  try {
    const texts = await core.l2!.getMany(asked.map(({ key }) => key))
    const found = await Promise.all(asked.map((place, i) => judge(core, place, texts[i]!, 0)))
    return places.map((place) => found[asked.indexOf(place)] ?? down)
  } catch {
    return places.map(() => down)
  }
}

/** Not while this instance still has to tell Redis that the key is invalid. */
async function canAsk({ l2, sync, deleting, pending }: Core, key: string): Promise<boolean> {
  if (!l2 || !sync || sync.isReadOnly) return false
  if (deleting.size > 0) await deleting.get(key)
  return !pending.has(key) && (await sync.isReady())
}

function judge(core: Core, place: Place, text: string | null, refreshAheadMs: number): Found | Promise<Found> {
  if (text === null) return { is: 'missing', seen: '' }
  let stored: Stored
  try {
    stored = parse(text)
  } catch (error) {
    return corrupt(core, place.key, error)
  }
  if (stored.kind === 'loading') return { is: 'busy', token: stored.token }
  if (stored.kind === 'failed') return { is: 'failed', reason: stored.reason }
  if (!core.entries.isOurs(stored)) return missing(stored)
  const names = stampsOf(place.namespace, stored.meta.tags ?? [])
  if (names.length === 0) return unpack(core, place, stored, names, refreshAheadMs)
  const entry = stored
  const unpackHeard = (isHeard: boolean) =>
    isHeard ? unpack(core, place, entry, names, refreshAheadMs) : missing(entry)
  return hear(core, entry, names).then(unpackHeard, () => down)
}

function missing({ version }: StoredEntry): Found {
  return { is: 'missing', seen: `!${version}` }
}

function unpack(
  core: Core,
  { key, namespace }: Place,
  stored: StoredEntry,
  names: readonly string[],
  refreshAheadMs: number,
): Found {
  if (!core.stamps.holds(stored.stamp, names)) return missing(stored)
  try {
    const entry = core.entries.unpack(stored, namespace, refreshAheadMs)
    return { is: entry.freshUntilMs > nowMs() ? 'fresh' : 'stale', entry }
  } catch (error) {
    return corrupt(core, key, error)
  }
}

function corrupt({ counters, log }: Core, key: string, error: unknown): Found {
  if (counters.corrupt++ === 0) {
    log.warn(
      { err: error, ...placeOf(key) },
      'what Redis has is no entry of the cache; it counts as a miss, and is not logged again',
    )
  }
  return { is: 'missing', seen: '*' }
}

/** Asks Redis about the stamps that this instance has not heard of. False, if it is invalid by one of them. */
async function hear(
  { l2, sync, stamps, authority }: Core,
  { stamp }: StoredEntry,
  names: readonly string[],
): Promise<boolean> {
  const unheard = sync!.isComplete ? stamps.unknownOf(names) : names
  if (unheard.length === 0) return true
  const { epoch } = authority
  const [floor, trimmed, ...numbers] = (await l2!.stamps(['floor', 'trimmed', ...unheard])) as string[]
  // Redis has lost them all: so everything before is invalid.
  if (floor === null || stamp < Number(floor)) return false
  for (const [i, name] of unheard.entries()) {
    const number = Number(numbers[i] ?? trimmed)
    if (number > stamp) return false
    if (epoch === authority.epoch) stamps.learn(name, number)
  }
  return true
}
