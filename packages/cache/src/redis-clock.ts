/** Redis' clock, which all instances go by, so that their own may differ. */
export class RedisClock {
  #offsetMs = 0
  #setMs = -Infinity

  get isSet(): boolean {
    return this.#setMs > -Infinity
  }

  /** From an answer; one that took long tells little, and only counts when there is no better. */
  set(redisMs: number, sentMs: number, receivedMs: number): void {
    const tookMs = receivedMs - sentMs
    if (tookMs > 20 && receivedMs - this.#setMs < 10_000) return
    this.#offsetMs = redisMs - (sentMs + tookMs / 2)
    this.#setMs = receivedMs
  }

  fromLocal(ms: number): number {
    return ms + this.#offsetMs
  }

  toLocal(redisMs: number): number {
    return redisMs - this.#offsetMs
  }
}
