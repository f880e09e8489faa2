import type { Holding } from './holding.js'

const tickMs = 25

/** Looks at each key again when it may have been left alone, all by one timer. */
export class IdleHoldings {
  readonly #nowMs: () => number
  readonly #look: (holding: Holding, nowMs: number) => number | undefined
  readonly #due = new Map<number, Holding[]>()
  #tick = 0
  #timer: NodeJS.Timeout | undefined

  /** @param look tells when to look again, if at all */
  constructor(nowMs: () => number, look: (holding: Holding, nowMs: number) => number | undefined) {
    this.#nowMs = nowMs
    this.#look = look
  }

  add(holding: Holding, dueMs: number): void {
    if (this.#due.size === 0) this.#tick = Math.floor(this.#nowMs() / tickMs)
    const tick = Math.max(this.#tick + 1, Math.ceil(dueMs / tickMs))
    const list = this.#due.get(tick)
    if (list) list.push(holding)
    else this.#due.set(tick, [holding])
    this.#timer ??= setInterval(() => this.pass(), tickMs).unref()
  }

  /** Looks at those whose time has come. */
  pass(): void {
    const nowMs = this.#nowMs()
    const last = Math.floor(nowMs / tickMs)
    const ticks = last - this.#tick > this.#due.size ? [...this.#due.keys()].filter((tick) => tick <= last) : undefined
    const seen: Holding[][] = []
    const collect = (tick: number) => {
      const list = this.#due.get(tick)
      if (list) seen.push(list)
      this.#due.delete(tick)
    }
    if (ticks) ticks.forEach(collect)
    else for (let tick = this.#tick; tick <= last; tick++) collect(tick)
    this.#tick = last
    for (const holding of seen.flat()) {
      const dueMs = this.#look(holding, nowMs)
      if (dueMs !== undefined) this.add(holding, dueMs)
    }
    if (this.#due.size === 0) this.stop()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
