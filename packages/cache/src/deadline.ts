import { nowMs } from './clock.js'
import { L2Error } from './errors.js'

/** A call that is waited for, in a list of all of them. */
interface Waiting {
  dueMs: number
  fail: (error: unknown) => void
  before: Waiting | undefined
  after: Waiting | undefined
  isListed: boolean
}

/** One deadline for all calls, kept by one timer: that of each call would cost as much as the call itself takes beside Redis. */
export class Deadlines {
  readonly #ms: number
  readonly #onExpiry: (error: Error) => void
  #first: Waiting | undefined
  #last: Waiting | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, onExpiry: (error: Error) => void) {
    this.#ms = ms
    this.#onExpiry = onExpiry
  }

  add(fail: (error: unknown) => void): Waiting {
    const waiting: Waiting = { dueMs: nowMs() + this.#ms, fail, before: this.#last, after: undefined, isListed: true }
    if (this.#last) this.#last.after = waiting
    else this.#first = waiting
    this.#last = waiting
    this.#timer ??= setTimeout(this.#onTime, this.#ms).unref()
    return waiting
  }

  /** False, if it has passed. */
  remove(waiting: Waiting): boolean {
    if (!waiting.isListed) return false
    waiting.isListed = false
    const { before, after } = waiting
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    waiting.before = undefined // an old one would keep its younger neighbours from being collected
    waiting.after = undefined
    return true
  }

  /** Answers that came while this process was busy are read first. */
  #onTime = (): void => {
    setImmediate(this.#look)
  }

  #look = (): void => {
    this.#timer = undefined
    const now = performance.now()
    while (this.#first && this.#first.dueMs <= now) {
      const expired = this.#first
      this.remove(expired)
      const error = new L2Error(`Redis did not answer within ${this.#ms} ms`)
      this.#onExpiry(error)
      expired.fail(error)
    }
    if (this.#first) this.#timer = setTimeout(this.#onTime, Math.max(1, this.#first.dueMs - now)).unref()
  }
}

/**
 * The outcome of a call, if it comes in time. What was sent may be carried out all the same.
 * @throws ERR_CACHE_L2
 */
export function within<T>(call: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new L2Error(`Redis did not answer within ${ms} ms`)), ms).unref()
  })
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}
