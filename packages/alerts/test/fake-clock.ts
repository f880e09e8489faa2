import type { Clock } from '../src/clock.js'

/** A clock that is turned by hand. */
export class FakeClock implements Clock {
  #nowMs = 1_700_000_000_000
  readonly #timers = new Set<{ dueMs: number; callback: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + ms, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Time goes on, and what is due is called, each in its own moment. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)
      if (!next || next.dueMs > untilMs) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#timers.delete(next)
      next.callback()
      await settled()
    }
    this.#nowMs = untilMs
  }
}

/** What promises have to say is said. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
