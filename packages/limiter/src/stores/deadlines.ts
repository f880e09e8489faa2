/** A call that is under way. */
export interface Pending {
  readonly deadlineMs: number
  readonly done: (error: unknown, answer?: unknown) => void
  isOver: boolean
}

/**
 * Deadlines of calls that all may take equally long, by one timer: the oldest call is the first to be due, as calls are
 * answered in their order, or nearly so.
 */
export class Deadlines {
  readonly #timeoutMs: number
  readonly #pending: Pending[] = []
  /** Where the pending ones begin. */
  #first = 0
  #timer: NodeJS.Timeout | undefined

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  add(done: Pending['done']): Pending {
    const pending = { deadlineMs: performance.now() + this.#timeoutMs, done, isOver: false }
    this.#pending.push(pending)
    if (!this.#timer) this.#arm(this.#timeoutMs)
    return pending
  }

  /** Hands on how it has ended, unless it is over. */
  settle(pending: Pending, error: unknown, answer: unknown): void {
    if (pending.isOver) return
    pending.isOver = true
    this.#skip()
    pending.done(error, answer)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(ms: number): void {
    // After a block of the event loop, what has come meanwhile is read first: immediates run after it.
    this.#timer = setTimeout(() => setImmediate(() => this.#expire()), Math.ceil(ms)).unref()
  }

  #expire(): void {
    this.#timer = undefined
    const nowMs = performance.now()
    for (let head = this.#skip(); head && head.deadlineMs <= nowMs; head = this.#skip()) {
      this.settle(head, new Error(`Redis has not answered within ${this.#timeoutMs} ms`), undefined)
    }
    const next = this.#skip()
    if (next && !this.#timer) this.#arm(Math.max(1, next.deadlineMs - nowMs))
  }

  /** The oldest that is not over. */
  #skip(): Pending | undefined {
    while (this.#pending[this.#first]?.isOver) this.#first++
    if (this.#first > 1_000 || this.#first === this.#pending.length) {
      this.#pending.splice(0, this.#first)
      this.#first = 0
    }
    return this.#pending[this.#first]
  }
}
