import type { Redis } from 'ioredis'
import type { Click } from '../click.js'
import { encode } from '../encoding.js'
import type { ClickQueue } from '../queue.js'
import type { ClickCounts, ClickSink } from '../sink.js'
import { field, oldestOf } from './stream.js'

/** How long a redirect waits for Redis, at most. */
const deadlineMs = 50

/** For how long Redis is spared once it did not take clicks. */
const restMs = 1_000

/**
 * Gives clicks to the stream, those of one turn of the event loop together. What Redis does not take in time goes to the queue, which
 * writes it straight to the database: if Redis took it all the same, it is there twice, and counts once.
 */
export class ClickProducer implements ClickSink {
  readonly #redis: Redis
  readonly #key: string
  readonly #spill: ClickQueue
  readonly #counts: ClickCounts
  #batch: Click[] = []
  #sent: Promise<void> | undefined
  readonly #underWay = new Set<Promise<void>>()
  #restsUntilMs = 0

  constructor(redis: Redis, key: string, spill: ClickQueue) {
    this.#redis = redis
    this.#key = key
    this.#spill = spill
    this.#counts = spill.counts
  }

  get length(): number {
    return this.#batch.length + this.#spill.length
  }

  /** Resolves once the stream or the queue has it. */
  add(click: Click): Promise<void> | undefined {
    if (performance.now() < this.#restsUntilMs) return this.#past([click])
    this.#batch.push(click)
    if (!this.#sent) {
      const sent = new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#send())
      this.#sent = sent
      this.#underWay.add(sent)
      void sent.finally(() => this.#underWay.delete(sent))
    }
    return this.#sent
  }

  async oldestMs(): Promise<number | undefined> {
    const [inStream, inQueue] = await Promise.all([oldestOf(this.#redis, this.#key), this.#spill.oldestMs()])
    return Math.min(inStream ?? Infinity, inQueue ?? Infinity) === Infinity
      ? undefined
      : Math.min(inStream ?? Infinity, inQueue ?? Infinity)
  }

  async drain(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#underWay)
    await this.#spill.drain(signal)
  }

  close(): void {
    this.#spill.close()
  }

  async #send(): Promise<void> {
    const clicks = this.#batch
    this.#batch = []
    this.#sent = undefined
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, undefined)
    })
    const pipeline = this.#redis.pipeline()
    for (const click of clicks) pipeline.xadd(this.#key, '*', field, encode(click))
    const results = await Promise.race([pipeline.exec().catch(() => undefined), late])
    clearTimeout(timer)
    const failed = clicks.filter((_, index) => !results?.[index] || results[index][0])
    this.#counts.streamed += clicks.length - failed.length
    if (failed.length === 0) return
    this.#restsUntilMs = performance.now() + restMs
    this.#past(failed)
  }

  #past(clicks: Click[]): undefined {
    this.#counts.spilled += clicks.length
    for (const click of clicks) this.#spill.add(click)
  }
}
