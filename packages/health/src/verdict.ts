/** As in draft-inadarei-api-health-check: fine, fine but, not fine. */
export type Status = 'pass' | 'warn' | 'fail'

const severity = { pass: 0, warn: 1, fail: 2 }

/**
 * What a row of results comes to. There is none before the first that is not a failure, which counts at once, or before
 * `failAfter` failures. From then on it takes `failAfter` worse results in a row to make it worse, and `passAfter` better
 * ones to make it better, by as much as all of them agree on.
 */
export class Verdict {
  readonly #failAfter: number
  readonly #passAfter: number
  #status: Status | undefined
  #streak = 0
  /** The result of the streak that is nearest to the verdict, which it moves to. */
  #nearest: Status = 'pass'

  constructor(failAfter: number, passAfter: number) {
    this.#failAfter = failAfter
    this.#passAfter = passAfter
  }

  get status(): Status | undefined {
    return this.#status
  }

  note(result: Status): void {
    if (this.#status === undefined && (result !== 'fail' || ++this.#streak >= this.#failAfter)) {
      this.#status = result
      this.#streak = 0
    }
    if (this.#status === undefined) return
    const by = severity[result] - severity[this.#status]
    if (by === 0) {
      this.#streak = 0
      return
    }
    const isWorse = by > 0
    const goesOn = this.#streak > 0 && isWorse === severity[this.#nearest] > severity[this.#status]
    this.#streak = goesOn ? this.#streak + 1 : 1
    if (!goesOn || Math.abs(by) < Math.abs(severity[this.#nearest] - severity[this.#status])) this.#nearest = result
    if (this.#streak < (isWorse ? this.#failAfter : this.#passAfter)) return
    this.#status = this.#nearest
    this.#streak = 0
  }
}
