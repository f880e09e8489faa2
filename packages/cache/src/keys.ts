import { inspect } from 'node:util'
import { KeyError } from './errors.js'
import { unusable } from './rules.js'

const mostBytes = 1_024

/** @throws ERR_CACHE_KEY */
export function checkKey(key: string): void {
  if (typeof key !== 'string') throw new KeyError('a text', inspect(key, { depth: 0, breakLength: Infinity }))
  if (key === '') throw new KeyError('at least one character long', "''")
  if (key.length * 3 > mostBytes && Buffer.byteLength(key) > mostBytes) {
    throw new KeyError(`at most ${mostBytes} bytes long`, `'${key.slice(0, 20)}…' of ${Buffer.byteLength(key)} bytes`)
  }
  if (unusable.test(key)) throw new KeyError('free of NUL and of halves of surrogate pairs', inspect(key))
}

/** What stands before the keys of a namespace. Those of the cache itself have nothing before them. */
export function prefixOf(namespace: string): string {
  return namespace === '' ? '' : `\0${namespace}\0`
}

/** What the caller named it. */
export function placeOf(key: string): { namespace: string; key: string } {
  const end = key.startsWith('\0') ? key.indexOf('\0', 1) : -1
  return end < 0 ? { namespace: '', key } : { namespace: key.slice(1, end), key: key.slice(end + 1) }
}

/** The stamps that hold for an entry: its namespace's and its tags'. None is what most entries have. */
export function stampsOf(namespace: string, tags: readonly string[]): readonly string[] {
  if (namespace === '' && tags.length === 0) return none
  const stamps = tags.map((tag) => `t:${tag}`)
  if (namespace !== '') stamps.push(`n:${namespace}`)
  return stamps
}

const none: readonly string[] = Object.freeze([])

/** Names in Redis. The braces keep the two sets on one node of a Cluster. */
export class RedisNames {
  readonly stamps: string
  readonly instances: string
  readonly channel: string
  readonly #entries: string

  /** Channels are the same in all databases of a Redis, so they have its number. */
  constructor(
    keyPrefix: string,
    { keyPrefix: clientPrefix = '', db = 0 }: { keyPrefix?: string | undefined; db?: number | undefined } = {},
  ) {
    this.stamps = `${keyPrefix}{sync}:stamps`
    this.instances = `${keyPrefix}{sync}:instances`
    this.channel = `${clientPrefix}${keyPrefix}sync${db === 0 ? '' : `@${db}`}`
    this.#entries = `${keyPrefix}entry:`
  }

  entry(key: string): string {
    return this.#entries + key
  }

  /** Where an instance is told that others have heard. */
  acknowledgements(instance: string): string {
    return `${this.channel}:${instance}`
  }
}
