import { LRUCache } from 'lru-cache'
import type { Entry } from './memory.js'

export interface Failure {
  error: unknown
  untilMs: number
  /** What may be served meanwhile. */
  stale: Entry | undefined
}

const most = 10_000

/** Loads that have just failed, so that they are not tried again at once. */
export class Failures {
  readonly #failures = new LRUCache<string, Failure>({ max: most })

  get(key: string): Failure | undefined {
    if (this.#failures.size === 0) return undefined
    const failure = this.#failures.get(key)
    if (failure === undefined || failure.untilMs > performance.now()) return failure
    this.#failures.delete(key)
    return undefined
  }

  set(key: string, failure: Failure): void {
    this.#failures.set(key, failure)
  }

  delete(key: string): void {
    this.#failures.delete(key)
  }

  clear(): void {
    this.#failures.clear()
  }
}
