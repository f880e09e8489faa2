import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Click } from './click.js'
import { type ClickCounts, type ClickSink, noClicks } from './sink.js'
import type { Written } from './write-all.js'

const batchSize = 1_000
const mostQueued = 100_000
const writeAfterMs = 100
const retryAfterMs = 1_000
const drainRetryMs = 100

/**
 * Holds clicks in memory until they are written, a batch at a time. A batch that fails is written again: writing twice
 * counts once. What is queued when the process is killed is lost.
 */
export class ClickQueue implements ClickSink {
  readonly #write: (clicks: Click[]) => Promise<Written>
  readonly #log: Pick<Logger, 'error' | 'debug'>
  #queued: Click[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<boolean> | undefined
  #isClosed = false
  #isFull = false
  readonly counts: ClickCounts

  constructor(
    write: (clicks: Click[]) => Promise<Written>,
    log: Pick<Logger, 'error' | 'debug'>,
    counts: ClickCounts = noClicks(),
  ) {
    this.#write = write
    this.#log = log
    this.counts = counts
  }

  get length(): number {
    return this.#queued.length
  }

  async oldestMs(): Promise<number | undefined> {
    return this.#queued[0]?.atMs
  }

  add(click: Click): undefined {
    if (this.#queued.length >= mostQueued) {
      if (!this.#isFull) this.#log.error(`${mostQueued} clicks wait to be written: more are lost`)
      this.#isFull = true
      this.counts.lost++
      return
    }
    this.#queued.push(click)
    this.#schedule(writeAfterMs)
  }

  async drain(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<false>((resolve) =>
      signal.addEventListener('abort', () => resolve(false), { once: true }),
    )
    while (this.#queued.length > 0 && !signal.aborted) {
      const isWritten = await Promise.race([this.writeBatch(), aborted])
      if (!isWritten) await Promise.race([sleep(drainRetryMs), aborted])
    }
    if (this.#queued.length > 0)
      this.#log.error(`${this.#queued.length} clicks were not written in time, and may be lost`)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /** Writes the oldest clicks, or waits for those that are being written. Resolves with whether that worked. */
  writeBatch(): Promise<boolean> {
    this.#writing ??= this.#writeOldest().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #writeOldest(): Promise<boolean> {
    const batch = this.#queued.slice(0, batchSize)
    try {
      if (batch.length > 0) {
        const { dead } = await this.#write(batch)
        this.counts.written += batch.length - dead
        this.counts.dead += dead
      }
    } catch (error) {
      this.#log.debug(error, 'clicks were not written; they will be tried again')
      return false
    }
    this.#queued.splice(0, batch.length)
    this.#isFull = false
    return true
  }

  #schedule(afterMs: number): void {
    if (this.#timer || this.#isClosed) return
    this.#timer = setTimeout(async () => {
      const isWritten = await this.writeBatch()
      this.#timer = undefined
      if (this.#queued.length > 0) this.#schedule(isWritten ? 0 : retryAfterMs)
    }, afterMs).unref()
  }
}
