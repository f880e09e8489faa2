export type BreakerState = 'closed' | 'open' | 'half-open'

export interface BreakerOptions {
  /** Failures in a row that open it. Default 5. */
  failures?: number
  /** For how long Redis is then left alone, before one call tries. Default 1000. */
  openMs?: number
}

/** Opens after failures in a row; after a while lets one call through, whose outcome decides. */
export class Breaker {
  #state: BreakerState = 'closed'
  #failures = 0
  #retryMs = 0
  readonly #most: number
  readonly #openMs: number
  readonly #onChange: (state: BreakerState) => void

  constructor({ failures, openMs }: Required<BreakerOptions>, onChange: (state: BreakerState) => void) {
    this.#most = failures
    this.#openMs = openMs
    this.#onChange = onChange
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Whether a call may be made now. Who gets a yes tells how it went. */
  allows(): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'half-open' || performance.now() < this.#retryMs) return false
    this.#move('half-open')
    return true
  }

  succeeded(): void {
    this.#failures = 0
    if (this.#state === 'half-open') this.#move('closed')
  }

  failed(): void {
    this.#failures++
    if (this.#state !== 'half-open' && this.#failures < this.#most) return
    this.#retryMs = performance.now() + this.#openMs
    if (this.#state !== 'open') this.#move('open')
  }

  #move(state: BreakerState): void {
    this.#state = state
    this.#onChange(state)
  }
}
