/** Stops asking what has failed several times in a row, and lets one call through now and then to see whether it is back. */
export class Breaker {
  readonly #failures: number
  readonly #resetMs: number
  readonly #onChange: (isOpen: boolean, error?: unknown) => void
  readonly #nowMs: () => number
  #row = 0
  #nextTryMs = 0
  #isTrying = false
  isOpen = false

  constructor(
    { failures, resetMs }: { failures: number; resetMs: number },
    onChange: (isOpen: boolean, error?: unknown) => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#failures = failures
    this.#resetMs = resetMs
    this.#onChange = onChange
    this.#nowMs = nowMs
  }

  /** Whether a call may be made now; the caller then says how it went. */
  mayCall(): boolean {
    if (!this.isOpen) return true
    if (this.#isTrying || this.#nowMs() < this.#nextTryMs) return false
    this.#isTrying = true
    return true
  }

  succeed(): void {
    this.#row = 0
    this.#isTrying = false
    if (!this.isOpen) return
    this.isOpen = false
    this.#onChange(false)
  }

  fail(error: unknown): void {
    this.#row++
    if (this.isOpen && !this.#isTrying) return // it was under way when the breaker opened
    this.#isTrying = false
    if (!this.isOpen && this.#row < this.#failures) return
    this.#nextTryMs = this.#nowMs() + this.#resetMs
    if (this.isOpen) return
    this.isOpen = true
    this.#onChange(true, error)
  }
}
