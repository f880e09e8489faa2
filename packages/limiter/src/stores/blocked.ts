import type { Claim } from './claim.js'

interface Block {
  untilMs: number
  need: number
  limit: number
}

/** Keys that Redis has turned away, until it would not: asking it again before is no use. */
export class BlockedKeys {
  readonly #max: number
  readonly #blocks = new Map<string, Block>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#blocks.size
  }

  /** Notes the claims that were not met. @param askedMs when Redis was asked, so that nobody is blocked for too long */
  note(claims: readonly Claim[], askedMs: number): void {
    for (const { isOk, isShadow, bucket, key, retryUs, need, limit } of claims) {
      if (isOk || isShadow) continue
      const name = bucket.prefix + key
      this.#blocks.delete(name) // the oldest stand first
      if (this.#blocks.size >= this.#max) this.#forgetFirst()
      this.#blocks.set(name, { untilMs: askedMs + retryUs / 1_000, need, limit })
    }
  }

  /** Whether one of the claims is known to fail; it is answered then, and what is known of the others is nothing. */
  fails(claims: readonly Claim[]): boolean {
    if (this.#blocks.size === 0) return false
    let isBlocked = false
    for (const claim of claims) {
      const block = this.#blocks.get(claim.bucket.prefix + claim.key)
      if (!block || claim.isShadow) continue
      const leftUs = Math.ceil((block.untilMs - performance.now()) * 1_000)
      if (leftUs <= 0) this.#blocks.delete(claim.bucket.prefix + claim.key)
      else if (claim.need >= block.need && claim.limit <= block.limit) {
        claim.isOk = false
        claim.remaining = 0
        claim.retryUs = claim.resetUs = leftUs
        isBlocked = true
      }
    }
    return isBlocked
  }

  forget(prefix: string, key: string): void {
    this.#blocks.delete(prefix + key)
  }

  clear(): void {
    this.#blocks.clear()
  }

  #forgetFirst(): void {
    for (const name of this.#blocks.keys()) {
      this.#blocks.delete(name)
      return
    }
  }
}
