/** What we need of a logger. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Functions of the app that fail: each is counted, and logged the first time that it does. */
export class Faults {
  readonly #log: Log
  readonly #counts: { faults: number }
  readonly #told = new Set<string>()

  constructor(log: Log, counts: { faults: number }) {
    this.#log = log
    this.#counts = counts
  }

  report(what: string, error: unknown): void {
    this.#counts.faults++
    if (this.#told.has(what)) return
    this.#told.add(what)
    this.#log.warn({ err: error }, `${what} of @steadfast/limiter has failed; from now on it is only counted`)
  }
}
