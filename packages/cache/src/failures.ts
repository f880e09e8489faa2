import type { Entry } from './memory.js'

export interface Failure {
  error: unknown
  untilMs: number
  /** Whether it was to replace what is still fresh, which is read meanwhile. */
  isRefresh: boolean
  /** What may be served meanwhile. */
  stale: Entry | undefined
}

/** Errors and what they hold on to take much room. */
const most = 1_000

/** Loads that have just failed, so that they are not tried again at once. */
export class Failures {
  readonly #failures = new Map<string, Failure>()

  get size(): number {
    return this.#failures.size
  }

  get(key: string): Failure | undefined {
    if (this.#failures.size === 0) return undefined
    const failure = this.#failures.get(key)
    if (failure === undefined || failure.untilMs > performance.now()) return failure
    this.#failures.delete(key)
    return undefined
  }

  set(key: string, failure: Failure): void {
    this.#failures.delete(key)
    this.#failures.set(key, failure)
    const now = performance.now()
    for (const [oldest, { untilMs }] of this.#failures) {
      if (untilMs > now && this.#failures.size <= most) break
      this.#failures.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#failures.delete(key)
  }

  clear(): void {
    this.#failures.clear()
  }
}
