/** Time, as the check runner sees it. Tests turn one by hand. */
export interface Clock {
  /** Milliseconds that only go forward. */
  nowMs(): number
  /** Calls back once, later, and keeps no process alive. Returns the way to call it off. */
  after(ms: number, callback: () => void): () => void
}

export const realClock: Clock = {
  nowMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
}
