const minuteMs = 60_000

/** So many in any minute, by the times of the last ones. */
export class PerMinute {
  readonly #most: number
  readonly #times: number[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** @returns whether there may be one more, which is noted then */
  take(nowMs: number): boolean {
    if (this.nextAtMs(nowMs) > nowMs) return false
    this.#times.push(nowMs)
    return true
  }

  /** When there may be one more. */
  nextAtMs(nowMs: number): number {
    while (this.#times.length > 0 && this.#times[0]! <= nowMs - minuteMs) this.#times.shift()
    return this.#times.length < this.#most ? nowMs : this.#times[0]! + minuteMs
  }
}
