import { nowMs } from './clock.js'
import type { ResolvedEntryOptions } from './entry-options.js'
import { freeze } from './freeze.js'
import { stampsOf } from './keys.js'
import type { Entry } from './memory.js'
import type { RedisClock } from './redis-clock.js'
import { type Serializer, textOf } from './serializer.js'
import { format, type StoredEntry } from './text.js'

/** A value that is to be kept: as memory has it, and as Redis does. */
export interface Packed {
  entry: Entry
  text: string
  /** For how long Redis keeps it; not, if not above 0. */
  lifeMs: number
  /** Whether it is above `maxValueBytes`. */
  isOversized: boolean
}

export interface EntriesOptions {
  serializer: Serializer
  /** Of the app's values: entries of another one are not read. */
  version: string
  maxValueBytes: number
  instance: string
  clock: RedisClock
  epoch: () => number
}

/** Makes entries, of values and of what Redis has. */
export class Entries {
  readonly #options: EntriesOptions
  #count = 0

  constructor(options: EntriesOptions) {
    this.#options = options
  }

  /** A token, or a version: 16 characters that nobody else makes. */
  newToken(): string {
    this.#count++
    return this.#options.instance + this.#count.toString(36).padStart(8, '0')
  }

  /**
   * A value that was loaded from `beganMs` on, or written then.
   * @throws ERR_CACHE_VALUE
   */
  pack(
    { key, namespace, value }: { key: string; namespace: string; value: unknown },
    options: ResolvedEntryOptions,
    { beganMs, stamp }: { beganMs: number; stamp: number },
  ): Packed {
    const { serializer, clock, maxValueBytes, version: v } = this.#options
    const isNothing = value === undefined
    const payload = isNothing ? '' : textOf(serializer, key, value)
    const ttlMs = (isNothing ? options.negativeTtlMs : options.ttlMs) * (1 - Math.random() * options.jitter)
    const freshUntilMs = beganMs + ttlMs
    const { tags, l1TtlMs, graceMs } = options
    const stored: StoredEntry = {
      kind: isNothing ? 'nothing' : 'value',
      version: this.newToken(),
      freshUntilMs: clock.fromLocal(freshUntilMs),
      stamp,
      meta: {
        ...(v !== '' && { v }),
        ...(tags.length > 0 && { tags: [...tags] }),
        ...(l1TtlMs !== Infinity && { l1TtlMs }),
      },
      payload,
    }
    const isOversized = payload.length > maxValueBytes || Buffer.byteLength(payload) > maxValueBytes
    const nowMs = performance.now()
    return {
      entry: this.#entryOf(stored, {
        namespace,
        freshUntilMs,
        readMs: beganMs,
        refreshAheadMs: options.refreshAheadMs,
      }),
      text: isOversized ? '' : format(stored),
      lifeMs: isNothing && ttlMs <= 0 ? 0 : freshUntilMs + graceMs - nowMs,
      isOversized,
    }
  }

  /**
   * What Redis has, for memory.
   * @throws Error when the payload is none
   */
  unpack(stored: StoredEntry, namespace: string, refreshAheadMs: number): Entry {
    const freshUntilMs = this.#options.clock.toLocal(stored.freshUntilMs)
    return this.#entryOf(stored, { namespace, freshUntilMs, readMs: nowMs(), refreshAheadMs })
  }

  /** Whether it was written by the app's own version. */
  isOurs(stored: StoredEntry): boolean {
    return (stored.meta.v ?? '') === this.#options.version
  }

  #entryOf(
    { kind, payload, version, stamp, meta }: StoredEntry,
    {
      namespace,
      freshUntilMs,
      readMs,
      refreshAheadMs,
    }: Record<'freshUntilMs' | 'readMs' | 'refreshAheadMs', number> & { namespace: string },
  ): Entry {
    const isNothing = kind === 'nothing'
    const value = isNothing ? undefined : this.#options.serializer.parse(payload)
    const l1UntilMs = Math.min(freshUntilMs, readMs + (meta.l1TtlMs ?? Infinity))
    return {
      value,
      bytes: freeze(value),
      settled: undefined,
      isNothing,
      version,
      untilMs: Math.min(l1UntilMs, freshUntilMs - (isNothing ? 0 : refreshAheadMs)),
      l1UntilMs,
      freshUntilMs,
      stamp,
      stamps: stampsOf(namespace, meta.tags ?? []),
      epoch: this.#options.epoch(),
    }
  }
}
