import { inspect } from 'node:util'
import { confirms, labelOf, pairsOf } from './arguments.js'
import type { Keyspace } from './cache.js'
import type { Core } from './core.js'
import type { Packed } from './entries.js'
import type { EntryOptions } from './entry-options.js'
import { ClosedError, ValueError } from './errors.js'
import type { Loader } from './flight.js'
import type { InvalidateOptions, Invalidation, Outcome } from './invalidation.js'
import { checkKey, prefixOf } from './keys.js'
import type { L2 } from './l2.js'
import { type Found, lookUp, lookUpAll } from './lookup.js'
import type { Reader } from './reader.js'
import { refuse } from './rules.js'
import { floorStamp } from './stamps.js'

/** How many writes are on their way to Redis at once. */
const mostAtOnce = 500

/** The keys of one namespace, or those of the cache itself, which has the empty name. */
export class OneKeyspace implements Keyspace {
  protected readonly core: Core
  protected readonly invalidation: Invalidation
  readonly #reader: Reader
  readonly #namespace: string
  readonly #prefix: string

  constructor(core: Core, reader: Reader, invalidation: Invalidation, namespace: string) {
    this.core = core
    this.invalidation = invalidation
    this.#reader = reader
    this.#namespace = namespace
    this.#prefix = prefixOf(namespace)
  }

  /** No async function: a hit in memory costs a look-up and nothing else. */
  getOrSet<T>(key: string, load: Loader<T>, options?: EntryOptions): Promise<T> {
    const { memory, counters, events } = this.core
    if (memory !== undefined && typeof key === 'string') {
      const entry = memory.hit(this.#prefix + key)
      if (entry !== undefined) {
        counters.l1Hits++
        if (events.hearsHits) events.emit('hit', { namespace: this.#namespace, key, from: 'l1' })
        return entry.settled as Promise<T>
      }
    }
    return this.#read(key, load, options) as Promise<T>
  }

  peek<T = unknown>(key: string): T | undefined {
    const { memory, counters, events } = this.core
    if (memory === undefined || typeof key !== 'string') return undefined
    const entry = memory.hit(this.#prefix + key)
    if (entry === undefined) {
      counters.misses++
      return undefined
    }
    counters.l1Hits++
    if (events.hearsHits) events.emit('hit', { namespace: this.#namespace, key, from: 'l1' })
    return entry.value as T
  }

  async get<T = unknown>(key: string): Promise<T | undefined> {
    return (await this.getMany<T>([key])).get(key)
  }

  async getMany<T = unknown>(keys: readonly string[]): Promise<Map<string, T | undefined>> {
    const { core } = this
    this.#check(keys)
    const values = new Map<string, T | undefined>()
    const places: { key: string; namespace: string }[] = []
    const asked = [...new Set(keys)]
    for (const key of asked) {
      const held = this.#reader.answerable(this.#prefix + key)
      if (held) {
        this.#count(key, 'l1')
        values.set(key, held.value as T)
      } else places.push({ key: this.#prefix + key, namespace: this.#namespace })
    }
    if (places.length === 0) return values
    const watches = places.map(({ key }) => core.flights.watch(key, { isVoid: false }))
    try {
      const found = places.length === 1 ? [await lookUp(core, places[0]!, 0)] : await lookUpAll(core, places)
      for (const [i, one] of found.entries()) this.#take(one, places[i]!.key, watches[i]!, values)
    } finally {
      for (const [i, { key }] of places.entries()) core.flights.unwatch(key, watches[i]!)
    }
    return values
  }

  set(key: string, value: unknown, options?: EntryOptions): Promise<Outcome> {
    return this.setMany([[key, value]], options)
  }

  async setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: EntryOptions): Promise<Outcome> {
    const { core } = this
    const given = new Map(pairsOf(entries))
    this.#check([...given.keys()])
    const resolved = core.resolver.resolve(options)
    const places = [...given.keys()].map((key) => ({ key: this.#prefix + key, namespace: this.#namespace }))
    for (const { key } of places) this.invalidation.forget(key)
    // The clock comes with Redis' first answer; from then on nothing is waited for: who reads next is not given what was before.
    if (core.sync && !core.sync.hasClock) await core.sync.isReady()
    const state = { beganMs: performance.now(), stamp: core.knownNumber() }
    const packed = [...given].map(([key, value], i) => {
      if (value === undefined) throw new ValueError(key, 'undefined is nothing: delete the key instead')
      return { key: places[i]!.key, ...core.entries.pack({ ...places[i]!, value }, resolved, state) }
    })
    const names = packed.map(({ key }) => key)
    const watches = names.map((key) => core.flights.watch(key, { isVoid: false }))
    const { l2 } = core
    const outcome = l2 ? await this.invalidation.write(names, () => this.#store(l2, packed)) : { pending: false }
    for (const [i, { key, entry }] of packed.entries()) {
      core.flights.unwatch(key, watches[i]!)
      if (!watches[i]!.isVoid && !outcome.pending) core.memory?.set(key, entry)
    }
    return outcome
  }

  /** Some at a time: the deadline is for what Redis takes, not for what waits here. */
  async #store(l2: L2, packed: ({ key: string } & Packed)[]): Promise<void> {
    for (let i = 0; i < packed.length; i += mostAtOnce) {
      await Promise.all(
        packed.slice(i, i + mostAtOnce).map(({ key, text, lifeMs, isOversized }) => {
          if (!isOversized) return l2.set(key, text, lifeMs)
          this.core.counters.oversized++
          return l2.delete([key])
        }),
      )
    }
  }

  async delete(keys: string | readonly string[], options?: InvalidateOptions): Promise<Outcome> {
    const list: readonly string[] = Array.isArray(keys) ? keys : [keys as string]
    this.#check(list)
    const names = [...new Set(list)].map((key) => this.#prefix + key)
    return this.invalidation.invalidate({ keys: names, stamps: [] }, confirms(options), () => labelOf('', list))
  }

  async clear(options?: InvalidateOptions): Promise<Outcome> {
    const [stamp, label] =
      this.#namespace === '' ? [floorStamp, 'the cache'] : [`n:${this.#namespace}`, `namespace "${this.#namespace}"`]
    return this.invalidation.invalidate({ keys: [], stamps: [stamp] }, confirms(options), () => label)
  }

  #read<T>(key: string, load: Loader<T>, options: EntryOptions | undefined): Promise<unknown> {
    try {
      if (this.core.closing.signal.aborted) throw new ClosedError()
      checkKey(key)
      if (typeof load !== 'function') refuse('the loader', 'a function', load)
      const resolved = this.core.resolver.resolve(options)
      return this.#reader.read({ key: this.#prefix + key, namespace: this.#namespace, load, options: resolved })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #check(keys: readonly string[]): void {
    if (this.core.closing.signal.aborted) throw new ClosedError()
    if (!Array.isArray(keys)) refuse('the keys', 'a list', inspect(keys))
    for (const key of keys) checkKey(key)
  }

  #take<T>(found: Found, key: string, watch: { isVoid: boolean }, values: Map<string, T | undefined>): void {
    const name = key.slice(this.#prefix.length)
    this.#count(name, found.is === 'fresh' ? 'l2' : undefined)
    if (found.is !== 'fresh') return
    if (!watch.isVoid) this.core.memory?.set(key, found.entry)
    values.set(name, found.entry.value as T)
  }

  #count(key: string, from: 'l1' | 'l2' | undefined): void {
    const { counters, events } = this.core
    if (from === 'l1') counters.l1Hits++
    else if (from === 'l2') counters.l2Hits++
    else counters.misses++
    if (from === undefined && events.has('miss')) events.emit('miss', { namespace: this.#namespace, key })
    else if (from !== undefined && events.hearsHits) events.emit('hit', { namespace: this.#namespace, key, from })
  }
}
