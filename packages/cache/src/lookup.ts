import type { Core } from './core.js'
import { stampsOf } from './keys.js'
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

export async function lookUp(core: Core, place: Place, refreshAheadMs: number): Promise<Found> {
  if (!(await canAsk(core, place.key))) return down
  try {
    return await judge(core, place, await core.l2!.get(place.key), refreshAheadMs)
  } catch {
    return down
  }
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
  if (!l2 || !sync) return false
  if (deleting.size > 0) await deleting.get(key)
  return !pending.has(key) && (await sync.isReady())
}

async function judge(
  core: Core,
  { key, namespace }: Place,
  text: string | null,
  refreshAheadMs: number,
): Promise<Found> {
  if (text === null) return { is: 'missing', seen: '' }
  let stored: Stored
  try {
    stored = parse(text)
  } catch (error) {
    return corrupt(core, key, error)
  }
  if (stored.kind === 'loading') return { is: 'busy', token: stored.token }
  if (stored.kind === 'failed') return { is: 'failed', reason: stored.reason }
  const missing: Found = { is: 'missing', seen: `!${stored.version}` }
  if (!core.entries.isOurs(stored) || !(await holds(core, stored, namespace))) return missing
  try {
    const entry = core.entries.unpack(stored, namespace, refreshAheadMs)
    return { is: entry.freshUntilMs > performance.now() ? 'fresh' : 'stale', entry }
  } catch (error) {
    return corrupt(core, key, error)
  }
}

function corrupt({ counters, log }: Core, key: string, error: unknown): Found {
  if (counters.corrupt++ === 0) {
    log.warn(
      { err: error, key },
      'what Redis has is no entry of the cache; it counts as a miss, and is not logged again',
    )
  }
  return { is: 'missing', seen: '*' }
}

/** Whether nothing has invalidated it since its load began. Redis is asked about what this instance has not heard of. */
async function holds(
  { l2, sync, stamps, authority }: Core,
  { stamp, meta }: StoredEntry,
  namespace: string,
): Promise<boolean> {
  const names = stampsOf(namespace, meta.tags ?? [])
  const unheard = sync!.isComplete ? stamps.unknownOf(names) : names
  if (unheard.length > 0) {
    const { epoch } = authority
    const [floor, trimmed, ...numbers] = (await l2!.stamps(['floor', 'trimmed', ...unheard])) as string[]
    // Redis has lost them all: so everything before is invalid.
    if (floor === null || stamp < Number(floor)) return false
    for (const [i, name] of unheard.entries()) {
      const number = Number(numbers[i] ?? trimmed)
      if (number > stamp) return false
      if (epoch === authority.epoch) stamps.learn(name, number)
    }
  }
  return stamps.holds(stamp, names)
}
