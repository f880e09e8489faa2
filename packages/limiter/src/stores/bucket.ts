import type { LeaseSettings } from '../lease/options.js'

/** Those that count hits. */
export type HitAlgorithm = 'sliding' | 'gcra' | 'fixed'

export type Algorithm = HitAlgorithm | 'concurrency'

/** The counters of one policy: one for each key. */
export interface Bucket {
  /** What it is found by in memory. */
  readonly index: number
  /** What the names of its keys begin with in Redis. */
  readonly prefix: string
  readonly algorithm: Algorithm
  readonly windowUs: number
  /** Its tokens are taken in advance, where they lie in Redis. */
  lease: LeaseSettings | undefined
}

/**
 * One text of several parts, which no other parts give: each but the last is led by its length, so that separators in them
 * mean nothing.
 */
export function joinParts(...parts: string[]): string {
  const last = parts.pop() ?? ''
  return parts.map((part) => `${part.length}:${part}`).join('') + last
}

/** All buckets of a limiter. What is named the same way is the same bucket. */
export class Buckets {
  readonly #keyPrefix: string
  readonly #buckets = new Map<string, Bucket>()

  constructor(keyPrefix: string) {
    this.#keyPrefix = keyPrefix
  }

  /** By where it holds and its name. Another algorithm or window makes another bucket, so that a deploy mixes nothing up. */
  of(algorithm: Algorithm, windowMs: number, scope: readonly string[], lease?: LeaseSettings): Bucket {
    const prefix = `${this.#keyPrefix}${joinParts(...scope, `${algorithm[0]}${windowMs}`, '')}`
    const known = this.#buckets.get(prefix)
    if (known) {
      known.lease ??= lease
      return known
    }
    const bucket = { index: this.#buckets.size, prefix, algorithm, windowUs: windowMs * 1_000, lease }
    this.#buckets.set(prefix, bucket)
    return bucket
  }
}
