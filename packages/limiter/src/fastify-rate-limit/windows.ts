export interface Window {
  current: number
  /** How long it still lasts (ms). */
  ttl: number
}

export interface Extension {
  continueExceeding: boolean
  exponentialBackoff: boolean
}

interface Counter {
  untilMs: number
  current: number
}

/** The same in memory, for as long as Redis does not answer. */
export class Windows {
  readonly #maxKeys: number
  readonly #nowMs: () => number
  readonly #counters = new Map<string, Counter>()

  constructor(maxKeys: number, nowMs: () => number = () => performance.now()) {
    this.#maxKeys = maxKeys
    this.#nowMs = nowMs
  }

  incr(key: string, windowMs: number, max: number, { continueExceeding, exponentialBackoff }: Extension): Window {
    const nowMs = this.#nowMs()
    const known = this.#alive(key, nowMs)
    const counter = known ?? { untilMs: nowMs + windowMs, current: 0 }
    counter.current++
    const over = counter.current - max
    if (known && over > 0 && continueExceeding) counter.untilMs = nowMs + windowMs
    else if (known && over > 0 && exponentialBackoff) {
      counter.untilMs = nowMs + Math.min(windowMs * 2 ** (over - 1), Number.MAX_SAFE_INTEGER)
    }
    this.#counters.delete(key) // the oldest stand first
    if (this.#counters.size >= this.#maxKeys) {
      for (const oldest of this.#counters.keys()) {
        this.#counters.delete(oldest)
        break
      }
    }
    this.#counters.set(key, counter)
    return { current: counter.current, ttl: Math.ceil(counter.untilMs - nowMs) }
  }

  read(key: string): Window {
    const nowMs = this.#nowMs()
    const counter = this.#alive(key, nowMs)
    return counter ? { current: counter.current, ttl: Math.ceil(counter.untilMs - nowMs) } : { current: 0, ttl: 0 }
  }

  clear(): void {
    this.#counters.clear()
  }

  #alive(key: string, nowMs: number): Counter | undefined {
    const counter = this.#counters.get(key)
    return counter && nowMs < counter.untilMs ? counter : undefined
  }
}
