/** What the watchdog makes of an event loop that does not beat. */
export class Silence {
  readonly #blockedMs: number
  readonly #tickMs: number
  #beats = -1
  #lastBeatMs = 0
  #lastLookMs = 0
  #countedMs = 0

  /** @param tickMs from one look to the next, and from one beat to the next */
  constructor(blockedMs: number, tickMs: number) {
    this.#blockedMs = blockedMs
    this.#tickMs = tickMs
  }

  /**
   * Looks at how often the loop has beaten by now.
   * @returns for how long it has been blocked, where that is too long, how much of it is new, and whether all of it is
   */
  look(nowMs: number, beats: number): { silentMs: number; addedMs: number; isFirst: boolean } | undefined {
    // While the thread that looks was stopped as well, as by SIGSTOP, it can't tell what the loop did.
    this.#lastBeatMs += Math.max(0, nowMs - this.#lastLookMs - 2 * this.#tickMs)
    this.#lastLookMs = nowMs
    if (beats !== this.#beats) {
      this.#beats = beats
      this.#lastBeatMs = nowMs
      this.#countedMs = 0
      return undefined
    }
    const silentMs = Math.floor(nowMs - this.#lastBeatMs)
    if (silentMs < this.#blockedMs) return undefined
    const addedMs = silentMs - this.#countedMs
    const isFirst = this.#countedMs === 0
    this.#countedMs = silentMs
    return { silentMs, addedMs, isFirst }
  }
}
