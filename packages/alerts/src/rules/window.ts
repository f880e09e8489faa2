import { bucketCount, middleOf } from './buckets.js'

/** Into how many slices a window is cut: it moves on by one at a time. */
export const sliceCount = 12

/** Requests of the last while, in memory that does not depend on how many there are. */
export class Window {
  readonly windowMs: number
  readonly #requests = new Uint32Array(sliceCount)
  readonly #errors = new Uint32Array(sliceCount)
  /** Slice after slice; none where nobody asks for durations. */
  readonly #durations: Uint32Array | undefined
  #slice = 0

  constructor(windowMs: number, hasDurations: boolean) {
    this.windowMs = windowMs
    this.#durations = hasDurations ? new Uint32Array(sliceCount * bucketCount) : undefined
  }

  /** @param weight how many requests this one stands for */
  record(bucket: number, isError: boolean, weight = 1): void {
    this.#requests[this.#slice]! += weight
    if (isError) this.#errors[this.#slice]! += weight
    if (this.#durations) this.#durations[this.#slice * bucketCount + bucket]! += weight
  }

  /** A slice of the time has passed: the oldest one is used anew. */
  advance(): void {
    this.#slice = (this.#slice + 1) % sliceCount
    this.#requests[this.#slice] = 0
    this.#errors[this.#slice] = 0
    this.#durations?.fill(0, this.#slice * bucketCount, (this.#slice + 1) * bucketCount)
  }

  get count(): number {
    return sum(this.#requests)
  }

  /** The share of requests that failed; undefined if there were none. */
  get errorRate(): number | undefined {
    const { count } = this
    return count === 0 ? undefined : sum(this.#errors) / count
  }

  /** The duration in milliseconds that a share of requests did not exceed. */
  quantile(share: number): number | undefined {
    const { count } = this
    if (count === 0 || !this.#durations) return undefined
    let left = Math.ceil(share * count)
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      for (let slice = 0; slice < sliceCount; slice++) left -= this.#durations[slice * bucketCount + bucket]!
      if (left <= 0) return middleOf(bucket)
    }
    return middleOf(bucketCount - 1)
  }
}

function sum(counts: Uint32Array): number {
  let all = 0
  for (const count of counts) all += count
  return all
}
