/** Time, as alerts see it. Tests turn one by hand. */
export interface Clock {
  /** Milliseconds since 1970: what is in the spool must mean the same after a restart. */
  nowMs(): number
  /** Calls back once, later, and keeps no process alive. Returns the way to call it off. */
  after(ms: number, callback: () => void): () => void
}

/** The longest time that Node's timers take; they make 1 ms of a longer one. */
const longestMs = 2_147_483_647

/** The time of day, which never goes back: a clock that is set back must not hold up what waits for its time. */
export class RealClock implements Clock {
  #offsetMs = -Infinity

  nowMs(): number {
    this.#offsetMs = Math.max(this.#offsetMs, Date.now() - performance.now())
    return Math.floor(performance.now() + this.#offsetMs)
  }

  after(ms: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.min(ms, longestMs)).unref()
    return () => clearTimeout(timer)
  }
}
