import type { ResolvedRule } from './threshold.js'

/** What a rule thinks of one series of values: ok, pending for `forMs`, firing until it has been back for `keepFiringMs`. */
export class Series {
  readonly #rule: Pick<ResolvedRule, 'above' | 'below' | 'forMs' | 'keepFiringMs'>
  #sinceMs: number | undefined
  #lastMs = 0
  isFiring: boolean

  /** @param isFiring an earlier process has left it so */
  constructor(
    rule: Pick<ResolvedRule, 'above' | 'below' | 'forMs' | 'keepFiringMs'>,
    isFiring: boolean,
    nowMs: number,
  ) {
    this.#rule = rule
    this.isFiring = isFiring
    this.#lastMs = nowMs
  }

  /** @returns whether it is ok, for good or for now: nothing need be known of it */
  get isIdle(): boolean {
    return !this.isFiring && this.#sinceMs === undefined
  }

  /**
   * @param value undefined: too little is known to fire
   * @returns what is to be done
   */
  note(value: number | undefined, nowMs: number): 'fire' | 'resolve' | undefined {
    const { forMs, keepFiringMs } = this.#rule
    if (this.#isPassed(value)) {
      this.#lastMs = nowMs
      this.#sinceMs ??= nowMs
      if (!this.isFiring && nowMs - this.#sinceMs < forMs) return undefined
      this.isFiring = true
      return 'fire'
    }
    this.#sinceMs = undefined
    if (!this.isFiring || nowMs - this.#lastMs < keepFiringMs) return undefined
    this.isFiring = false
    return 'resolve'
  }

  #isPassed(value: number | undefined): boolean {
    if (value === undefined) return false
    const { above, below } = this.#rule
    return above !== undefined ? value > above : value < below!
  }
}
