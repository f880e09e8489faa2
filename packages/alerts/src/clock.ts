/** Time, as alerts see it. Tests turn one by hand. */
export interface Clock {
  /** Milliseconds since 1970: what is in the spool must mean the same after a restart. */
  nowMs(): number
  /** Calls back once, later, and keeps no process alive. Returns the way to call it off. */
  after(ms: number, callback: () => void): () => void
}

/** The longest time that Node's timers take; they make 1 ms of a longer one. */
const longestMs = 2_147_483_647

export const realClock: Clock = {
  nowMs: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, longestMs)).unref()
    return () => clearTimeout(timer)
  },
}
