import type { DelayOptions } from './policy.js'

/** A request that waits for its turn. */
export interface Waiter {
  /** Tries, and says for how long it would have to wait on; undefined: it has ended, one way or the other. */
  attempt(done: (retryMs: number | undefined) => void): void
  /** It would have to wait for too long. */
  giveUp(retryMs: number): void
}

interface Entry {
  waiter: Waiter
  deadlineMs: number
}

interface Line {
  policy: DelayOptions
  /** In the order in which they came. */
  entries: Set<Entry>
  /** When its first tries next. */
  nextMs: number
  isTrying: boolean
}

/** Lines of requests, one for each key, each served in its order, all by one timer. */
export class WaitingLines {
  readonly #lines = new Map<string, Line>()
  readonly #waiting = new Map<DelayOptions, number>()
  #timer: NodeJS.Timeout | undefined
  #timerMs = Infinity
  size = 0

  /** For how long its first still waits, if there is a line. */
  waitMs(name: string): number | undefined {
    const line = this.#lines.get(name)
    return line && Math.max(1, line.nextMs - performance.now())
  }

  hasRoom(policy: DelayOptions): boolean {
    return (this.#waiting.get(policy) ?? 0) < policy.maxWaiting
  }

  /** @returns the way to leave early */
  enter(name: string, policy: DelayOptions, waiter: Waiter, retryMs: number): () => void {
    const nowMs = performance.now()
    let line = this.#lines.get(name)
    if (!line) {
      line = { policy, entries: new Set(), nextMs: nowMs + retryMs, isTrying: false }
      this.#lines.set(name, line)
    }
    const entry = { waiter, deadlineMs: nowMs + policy.maxMs }
    line.entries.add(entry)
    this.size++
    this.#waiting.set(policy, (this.#waiting.get(policy) ?? 0) + 1)
    this.#arm(line.nextMs)
    const entered = line
    return () => this.#leave(name, entered, entry)
  }

  /** There may be room for its first: whatever it has been told, it tries now. */
  hurry(name: string): void {
    const line = this.#lines.get(name)
    if (!line) return
    line.nextMs = performance.now()
    if (!line.isTrying) this.#arm(line.nextMs)
  }

  /** Nobody is served any more: those that wait are turned away. */
  close(): void {
    for (const { entries, nextMs } of [...this.#lines.values()]) {
      const all = [...entries]
      entries.clear()
      for (const { waiter } of all) waiter.giveUp(Math.max(1, nextMs - performance.now()))
    }
    this.#lines.clear()
    this.#waiting.clear()
    this.size = 0
    this.#stop()
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#timerMs = Infinity
  }

  #leave(name: string, line: Line, entry: Entry): void {
    if (!line.entries.delete(entry)) return
    this.size--
    this.#waiting.set(line.policy, this.#waiting.get(line.policy)! - 1)
    if (line.entries.size > 0) return
    this.#lines.delete(name)
    if (this.#lines.size === 0) this.#stop()
  }

  #arm(atMs: number): void {
    if (atMs >= this.#timerMs) return
    clearTimeout(this.#timer)
    this.#timerMs = atMs
    // It keeps the process alive, as the socket of whoever waits does anyway; what came by inject() has none.
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(atMs - performance.now())))
  }

  #wake(): void {
    this.#stop()
    const nowMs = performance.now()
    let nextMs = Infinity
    for (const [name, line] of this.#lines) {
      if (line.isTrying) continue
      if (line.nextMs <= nowMs) this.#serve(name, line)
      if (!line.isTrying && line.entries.size > 0) nextMs = Math.min(nextMs, line.nextMs)
    }
    if (nextMs < Infinity) this.#arm(nextMs)
  }

  /** From the first on, until one has to wait. */
  #serve(name: string, line: Line): void {
    const [entry] = line.entries
    if (!entry) return
    line.isTrying = true
    entry.waiter.attempt((retryMs) => {
      line.isTrying = false
      const leftMs = entry.deadlineMs - performance.now()
      if (retryMs !== undefined && line.entries.has(entry)) {
        if (retryMs <= leftMs) {
          line.nextMs = performance.now() + retryMs
          this.#arm(line.nextMs)
          return
        }
        entry.waiter.giveUp(retryMs)
      }
      this.#leave(name, line, entry)
      // Not deeper and deeper, where all are served at once.
      if (line.entries.size > 0) queueMicrotask(() => this.#serve(name, line))
    })
  }
}
