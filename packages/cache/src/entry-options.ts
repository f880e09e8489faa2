import { duration, durationOrZero, names, refuse, share, take, takeObject } from './rules.js'

/** How an entry is kept, and how its loads are waited for. */
export interface EntryOptions {
  /** How long a value is fresh, from the beginning of its load. */
  ttlMs?: number
  /** How long it is answered from memory, if shorter. */
  l1TtlMs?: number
  /** Share of `ttlMs` by which it is cut at random, so that entries of one moment don't end in one moment. Default 0. */
  jitter?: number
  /** How long past `ttlMs` it may be served stale: while the loader fails, is slow, or runs in another process. Default 0. */
  graceMs?: number
  /** How long "nothing there", a loader's `undefined`, is kept. Default: not at all. */
  negativeTtlMs?: number
  /** With a stale value at hand, how long a caller waits for a fresh one. Default: until it is there. */
  softTimeoutMs?: number
  /** How long a loader may take; then its signal aborts and callers get an error. Default: as long as it takes. */
  hardTimeoutMs?: number
  /** After a loader has failed, how long nobody tries again. Default 1000. */
  errorBackoffMs?: number
  /** How long before its end a value that is asked for is loaded anew in the background. Default: not at all. */
  refreshAheadMs?: number
  /** Under which names it can be invalidated, beside its key. */
  tags?: readonly string[]
}

export interface ResolvedEntryOptions {
  ttlMs: number
  l1TtlMs: number
  jitter: number
  graceMs: number
  negativeTtlMs: number
  softTimeoutMs: number
  hardTimeoutMs: number
  errorBackoffMs: number
  refreshAheadMs: number
  tags: readonly string[]
}

const rules = {
  ttlMs: duration,
  l1TtlMs: duration,
  jitter: share,
  graceMs: durationOrZero,
  negativeTtlMs: durationOrZero,
  softTimeoutMs: durationOrZero,
  hardTimeoutMs: duration,
  errorBackoffMs: durationOrZero,
  refreshAheadMs: durationOrZero,
  tags: names,
}
const keys = Object.keys(rules) as (keyof EntryOptions)[]

/**
 * @throws ERR_CACHE_OPTION
 * @throws ERR_CACHE_UNKNOWN_OPTION
 */
export function checkEntryOptions(options: EntryOptions, of = ''): EntryOptions {
  takeObject(of || 'the options', options, keys, of)
  for (const key of keys) take(of ? `${of}.${key}` : key, options[key] as unknown, rules[key])
  return options
}

/** Merges options with the defaults once for each object that is passed, which most callers keep. */
export class EntryOptionsResolver {
  readonly #defaults: EntryOptions
  readonly #seen = new WeakMap<EntryOptions, ResolvedEntryOptions>()
  #plain: ResolvedEntryOptions | undefined

  constructor(defaults: EntryOptions) {
    this.#defaults = defaults
  }

  /**
   * @throws ERR_CACHE_OPTION
   * @throws ERR_CACHE_UNKNOWN_OPTION
   */
  resolve(options: EntryOptions | undefined): ResolvedEntryOptions {
    if (options === undefined) {
      this.#plain ??= this.#merge({})
      return this.#plain
    }
    const seen = typeof options === 'object' && options !== null ? this.#seen.get(options) : undefined
    if (seen) return seen
    const resolved = this.#merge(options)
    this.#seen.set(options, resolved)
    return resolved
  }

  /** What a loader changes about its value. */
  add(options: EntryOptions, base: ResolvedEntryOptions): ResolvedEntryOptions {
    const { ttlMs = base.ttlMs, refreshAheadMs = base.refreshAheadMs } = checkEntryOptions(options)
    const added = { ...base, ...withoutUndefined(options), refreshAheadMs: Math.min(refreshAheadMs, ttlMs / 2) }
    return added as ResolvedEntryOptions
  }

  #merge(options: EntryOptions): ResolvedEntryOptions {
    const given = { ...this.#defaults, ...withoutUndefined(checkEntryOptions(options)) }
    const { ttlMs } = given
    if (ttlMs === undefined) refuse('ttlMs', duration.must, ttlMs)
    const resolved = {
      ttlMs,
      l1TtlMs: given.l1TtlMs ?? Infinity,
      jitter: given.jitter ?? 0,
      graceMs: given.graceMs ?? 0,
      negativeTtlMs: given.negativeTtlMs ?? 0,
      softTimeoutMs: given.softTimeoutMs ?? Infinity,
      hardTimeoutMs: given.hardTimeoutMs ?? Infinity,
      errorBackoffMs: given.errorBackoffMs ?? 1_000,
      refreshAheadMs: given.refreshAheadMs ?? 0,
      tags: given.tags ?? [],
    }
    if (resolved.refreshAheadMs >= ttlMs) refuse('refreshAheadMs', `below ttlMs, ${ttlMs}`, resolved.refreshAheadMs)
    return resolved
  }
}

function withoutUndefined(options: EntryOptions): EntryOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
