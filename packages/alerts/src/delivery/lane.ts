import type { ResolvedChannel } from '../channels/channel.js'
import type { Incident } from '../incident.js'
import { isEnd, notificationOf } from '../notification.js'
import { Audience } from './audience.js'
import type { Batch } from './batch.js'
import type { Desk } from './desk.js'
import { failureOf } from './failure.js'
import { Pace } from './pace.js'
import { PerMinute } from './per-minute.js'
import { Queue } from './queue.js'
import { sendOnce } from './send.js'
import { Suppressed } from './suppressed.js'

/** What a channel is told, one message at a time: a channel that hangs or fails holds up none but itself. */
export class Lane {
  readonly channel: ResolvedChannel
  readonly #desk: Desk
  readonly #limit: PerMinute
  readonly #pace: Pace
  readonly #audience: Audience
  readonly #queue: Queue
  readonly #suppressed: Suppressed
  readonly #stopped = new AbortController()
  #isBusy = false
  #isGone = false
  #cancel: (() => void) | undefined
  #whenIdle: (() => void) | undefined

  constructor(channel: ResolvedChannel, desk: Desk) {
    this.channel = channel
    this.#desk = desk
    this.#limit = new PerMinute(desk.perMinute)
    this.#pace = new Pace(channel.paceMs, desk.random)
    this.#audience = new Audience(channel, desk)
    this.#queue = new Queue(desk, this.#audience)
    this.#suppressed = new Suppressed(channel, desk)
  }

  /** What is on its way, or waits for another attempt. */
  get batches(): readonly Batch[] {
    return this.#queue.batches
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** The incident has changed. */
  look({ key }: Incident): void {
    if (this.#isGone || this.#stopped.signal.aborted) return
    this.#audience.looks.add(key, this.#desk.clock.nowMs() + this.#audience.groupMs)
    this.#wake()
  }

  /** Tells at once what can be told before `untilMs`. */
  async flush(untilMs: number): Promise<void> {
    this.#audience.hurry()
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = () => {
        const nextMs = this.#nextMs()
        if (!this.#isBusy && (nextMs === undefined || nextMs > untilMs)) resolve()
      }
    })
    this.#wake()
    this.#whenIdle?.()
    await idle
  }

  stop(): void {
    this.#stopped.abort()
    this.#cancel?.()
  }

  #wake(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#isBusy || this.#isGone || this.#stopped.signal.aborted) return
    const nextMs = this.#nextMs()
    if (nextMs === undefined) return
    this.#cancel = this.#desk.clock.after(Math.max(0, nextMs - this.#desk.clock.nowMs()), () => void this.#run())
  }

  #nextMs(): number | undefined {
    const nextMs = Math.min(this.#audience.looks.earliestMs, this.#queue.earliestMs, this.#suppressed.tellAtMs)
    return nextMs === Infinity ? undefined : Math.max(nextMs, this.#pace.pausedUntilMs)
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      while (!this.#stopped.signal.aborted && !this.#isGone) {
        const nowMs = this.#desk.clock.nowMs()
        if (nowMs < this.#pace.pausedUntilMs) break
        this.#queue.form(nowMs)
        const batch = this.#queue.next(nowMs)
        if (batch) await this.#deliver(batch)
        else if (this.#suppressed.tellAtMs <= nowMs) await this.#tellSuppressed(nowMs)
        else break
      }
    } catch (error) {
      this.#desk.failedInside(error) // a fault of ours must not stop the channel
      this.#pace.pausedUntilMs = this.#desk.clock.nowMs() + 1_000
    } finally {
      this.#isBusy = false
      this.#wake()
      this.#whenIdle?.()
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    this.#queue.renew(batch, this.#desk.clock.nowMs())
    await this.#audience.claim(batch)
    const nowMs = this.#desk.clock.nowMs()
    if (batch.items.length === 0) return this.#queue.remove(batch)
    if (batch.attempts === 0 && !this.#limit.take(nowMs)) return this.#holdBack(batch, nowMs)
    for (const item of batch.items) item.severity = item.incident.alert.severity
    const notification = notificationOf(this.channel.name, batch.items, this.#desk.sender, nowMs)
    const { id } = notification
    const keys = notification.alerts.map(({ key }) => key)
    try {
      await sendOnce(this.channel, notification, this.#desk.clock, this.#stopped.signal)
    } catch (error) {
      // Cut off by the end of the app, it stays as it was.
      return this.#stopped.signal.aborted ? undefined : this.#failed(batch, error, id)
    }
    this.#worked()
    this.#queue.remove(batch)
    for (const item of batch.items) this.#audience.note(item, isEnd(item.kind) ? 'resolved' : 'firing')
    this.#desk.delivered(this.channel, { id, keys, attempts: batch.attempts + 1, suppressed: 0 })
  }

  #failed(batch: Batch, error: unknown, id: string): void {
    const failure = failureOf(error, this.channel.secrets)
    batch.attempts++
    batch.reason = failure.reason
    if (failure.isFinal && failure.isPart && batch.items.length > 1) {
      this.#desk.failed(this.channel, batch, id, { ...failure, isFinal: false }, false)
      this.#queue.halve(batch)
      return
    }
    this.#desk.failed(this.channel, batch, id, failure, !this.#pace.isFailing)
    if (failure.isGone) this.#isGone = true
    if (failure.isFinal) {
      this.#queue.remove(batch)
      for (const item of batch.items) this.#audience.note(item, 'refused')
    } else this.#audience.failed(batch, this.#pace.failed(batch, failure, this.#desk.clock.nowMs()))
  }

  #worked(): void {
    if (this.#pace.isFailing) this.#desk.recovered(this.channel)
    this.#pace.worked(this.#desk.clock.nowMs())
  }

  /** There were enough messages in this minute: an end waits for the next, the others are counted. */
  #holdBack(batch: Batch, nowMs: number): void {
    if (isEnd(batch.items[0]!.kind)) {
      batch.notBeforeMs = this.#limit.nextAtMs(nowMs)
      return
    }
    this.#queue.remove(batch)
    this.#suppressed.add(batch.items, nowMs + Math.max(this.#audience.groupMs, 1_000))
    for (const item of batch.items) {
      this.#audience.note(item, 'suppressed')
      this.#desk.dropped(item.incident, 'suppressed', this.channel.name)
    }
  }

  async #tellSuppressed(nowMs: number): Promise<void> {
    const told = await this.#suppressed.tell(nowMs, this.#stopped.signal)
    if (!told) return
    this.#worked()
    this.#desk.delivered(this.channel, told)
  }
}
