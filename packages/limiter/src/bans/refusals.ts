import { performance } from 'node:perf_hooks' // the global is a getter
import { mostBans } from './ban.js'

/** Counts refusals within a window, in this process alone. */
export class Refusals {
  readonly #nowMs: () => number
  readonly #counts = new Map<string, { count: number; endMs: number }>()

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Whether these make it as many as `after`; then they begin anew. */
  add(name: string, count: number, after: number, windowMs: number): boolean {
    const nowMs = this.#nowMs()
    let known = this.#counts.get(name)
    if (!known || known.endMs <= nowMs) {
      this.#counts.delete(name) // the oldest stand first
      known = { count: 0, endMs: nowMs + windowMs }
      this.#counts.set(name, known)
      this.#makeRoom(nowMs)
    }
    known.count += count
    if (known.count < after) return false
    this.#counts.delete(name)
    return true
  }

  forget(name: string): void {
    this.#counts.delete(name)
  }

  #makeRoom(nowMs: number): void {
    for (const [name, { endMs }] of this.#counts) {
      if (endMs > nowMs && this.#counts.size <= mostBans) return
      this.#counts.delete(name)
    }
  }
}
