/** When to look at which incident. */
export class Looks {
  readonly #times = new Map<string, number>()

  /** At this time, or before. */
  add(key: string, atMs: number): void {
    this.#times.set(key, Math.min(atMs, this.#times.get(key) ?? atMs))
  }

  get earliestMs(): number {
    let earliestMs = Infinity
    for (const atMs of this.#times.values()) if (atMs < earliestMs) earliestMs = atMs
    return earliestMs
  }

  /** Takes out those until `horizonMs`, if there is one whose time has come. */
  take(nowMs: number, horizonMs: number): string[] {
    if (this.earliestMs > nowMs) return []
    const ripe = [...this.#times].filter(([, atMs]) => atMs <= horizonMs).map(([key]) => key)
    for (const key of ripe) this.#times.delete(key)
    return ripe
  }
}
