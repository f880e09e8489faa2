import type { ResolvedChannel } from '../channels/channel.js'
import { due, type Policy } from '../due.js'
import type { Incident } from '../incident.js'
import { type Item, isEnd, notificationOf, suppressionOf } from '../notification.js'
import { backoffMs } from './backoff.js'
import { type Batch, batchesOf } from './batch.js'
import type { Desk } from './desk.js'
import { failureOf } from './failure.js'
import { PerMinute } from './per-minute.js'
import { sendOnce } from './send.js'
import { Suppressed } from './suppressed.js'

/** How often others keep their right to a message while this process tries again, before it lets them try. */
const attemptsAlone = 3
const marginMs = 2_000

/** What a channel is told, one message at a time: a channel that hangs or fails holds up none but itself. */
export class Lane {
  readonly channel: ResolvedChannel
  readonly #desk: Desk
  readonly #limit: PerMinute
  /** When to look at an incident, by its key. */
  readonly #looks = new Map<string, number>()
  readonly #suppressed = new Suppressed()
  readonly #stopped = new AbortController()
  /** What an attempt to tell has failed: its end is not waited for any more. */
  readonly #late = new WeakSet<Incident>()
  #batches: Batch[] = []
  #pausedUntilMs = 0
  #failures = 0
  #groupMs: number
  #isBusy = false
  #isFlushing = false
  #isGone = false
  #cancel: (() => void) | undefined
  #whenIdle: (() => void) | undefined

  constructor(channel: ResolvedChannel, desk: Desk) {
    this.channel = channel
    this.#desk = desk
    this.#limit = new PerMinute(desk.perMinute)
    // What can't share a message need not wait for others.
    this.#groupMs = channel.batch === 1 ? 0 : desk.groupMs
  }

  /** What is on its way, or waits for another attempt. */
  get batches(): readonly Batch[] {
    return this.#batches
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** The incident has changed. */
  look({ key }: Incident, waitMs: number = this.#groupMs): void {
    if (this.#isGone || this.#stopped.signal.aborted) return
    const atMs = this.#desk.clock.nowMs() + waitMs
    this.#looks.set(key, Math.min(atMs, this.#looks.get(key) ?? atMs))
    this.#wake()
  }

  /** Tells at once what can be told before `untilMs`. */
  async flush(untilMs: number): Promise<void> {
    this.#isFlushing = true
    this.#groupMs = 0
    for (const { key } of this.#desk.incidents) this.#looks.set(key, 0)
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
    let nextMs = this.#suppressed.count > 0 ? this.#suppressed.tellAtMs : Infinity
    for (const atMs of this.#looks.values()) nextMs = Math.min(nextMs, atMs)
    for (const { notBeforeMs } of this.#batches) nextMs = Math.min(nextMs, notBeforeMs)
    return nextMs === Infinity ? undefined : Math.max(nextMs, this.#pausedUntilMs)
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      while (!this.#stopped.signal.aborted && !this.#isGone) {
        const nowMs = this.#desk.clock.nowMs()
        if (nowMs < this.#pausedUntilMs) break
        this.#form(nowMs)
        const batch = this.#next(nowMs)
        if (batch) await this.#deliver(batch)
        else if (this.#suppressed.count > 0 && this.#suppressed.tellAtMs <= nowMs) await this.#tellSuppressed(nowMs)
        else break
      }
    } catch (error) {
      this.#desk.failedInside(error) // a fault of ours must not stop the channel
      this.#pausedUntilMs = this.#desk.clock.nowMs() + 1_000
    } finally {
      this.#isBusy = false
      this.#wake()
      this.#whenIdle?.()
    }
  }

  /** The least tried come first, so that one that always fails holds up no other. */
  #next(nowMs: number): Batch | undefined {
    let next: Batch | undefined
    for (const batch of this.#batches) {
      if (batch.notBeforeMs <= nowMs && (!next || batch.attempts < next.attempts)) next = batch
    }
    return next
  }

  /** Puts what is due into batches: once something is, with all that will be within the time of a group. */
  #form(nowMs: number): void {
    const horizonMs = nowMs + this.#groupMs
    const ripe = [...this.#looks].filter(([, atMs]) => atMs <= horizonMs)
    if (!ripe.some(([, atMs]) => atMs <= nowMs)) return
    const batched = new Set(this.#batches.flatMap(({ items }) => items.map(({ incident }) => incident)))
    const items: Item[] = []
    for (const [key] of ripe) {
      this.#looks.delete(key)
      const incident = this.#desk.incidentOf(key)
      if (!incident || batched.has(incident)) continue
      const next = due(incident, this.channel.name, this.#policy(incident), horizonMs, this.#isLate(incident))
      if (next.kind) items.push({ incident, kind: next.kind, severity: incident.alert.severity })
      else if (next.atMs !== undefined) this.#looks.set(key, next.atMs)
    }
    this.#batches.push(...batchesOf(items, ({ incident }) => this.#desk.groupOf(incident), this.channel.batch, nowMs))
  }

  async #deliver(batch: Batch): Promise<void> {
    const { name, deadlineMs } = this.channel
    this.#renew(batch)
    await this.#claim(batch, deadlineMs + marginMs)
    const nowMs = this.#desk.clock.nowMs()
    if (batch.items.length === 0) return this.#remove(batch)
    if (batch.attempts === 0 && !this.#limit.take(nowMs)) {
      if (isEnd(batch.items[0]!.kind)) batch.notBeforeMs = this.#limit.nextAtMs(nowMs)
      else this.#suppress(batch, nowMs)
      return
    }
    for (const item of batch.items) item.severity = item.incident.alert.severity
    const notification = notificationOf(name, batch.items, this.#desk.sender, nowMs)
    try {
      await sendOnce(this.channel, notification, this.#desk.clock, this.#stopped.signal)
    } catch (error) {
      // Cut off by the end of the app, it stays as it was.
      return this.#stopped.signal.aborted ? undefined : this.#failed(batch, error, notification.id)
    }
    this.#succeeded()
    this.#remove(batch)
    for (const item of batch.items) this.#told(item, isEnd(item.kind) ? 'resolved' : 'firing')
    this.#desk.delivered(this.channel, notification, batch.attempts + 1)
  }

  /** What has changed since it was formed or last tried: an incident that is over by now is told in one message. */
  #renew(batch: Batch): void {
    const { clock, maxAgeMs } = this.#desk
    const nowMs = clock.nowMs()
    const isAgain = batch.attempts > 0
    const horizonMs = isAgain ? nowMs : nowMs + this.#groupMs
    const wasEnd = isEnd(batch.items[0]!.kind)
    batch.items = batch.items.flatMap(({ incident }) => {
      if (this.#desk.incidentOf(incident.key) !== incident) return []
      if (isAgain && nowMs - incident.changedAtMs > maxAgeMs) {
        this.#told({ incident, kind: 'fire', severity: incident.alert.severity }, 'refused')
        this.#desk.dropped(incident, 'age', this.channel.name)
        return []
      }
      const isLate = isAgain || this.#isLate(incident)
      const { kind } = due(incident, this.channel.name, this.#policy(incident), horizonMs, isLate)
      if (kind && isEnd(kind) === wasEnd) return [{ incident, kind, severity: incident.alert.severity }]
      this.#looks.set(incident.key, nowMs) // to another message, or none
      return []
    })
  }

  async #claim(batch: Batch, leaseMs: number): Promise<void> {
    const { claim } = this.#desk
    const ask = async ({ incident, kind }: Item) => {
      const { repeatMs } = this.#policy(incident)
      return claim.ask(incident, this.channel.name, kind, repeatMs, leaseMs)
    }
    const verdicts = await Promise.all(batch.items.map(ask))
    batch.items = batch.items.filter((item, index) => {
      const verdict = verdicts[index]!
      if (verdict === 'told') this.#told(item, isEnd(item.kind) ? 'resolved' : 'firing', false)
      else if (verdict !== 'go') this.#looks.set(item.incident.key, this.#desk.clock.nowMs() + verdict.waitMs)
      return verdict === 'go'
    })
  }

  #told(
    { incident, kind, severity }: Item,
    status: 'firing' | 'resolved' | 'suppressed' | 'refused',
    isOurs = true,
  ): void {
    const { name } = this.channel
    const atMs = this.#desk.clock.nowMs()
    incident.told[name] = { status, severity, atMs }
    this.#late.delete(incident)
    if (isOurs) this.#desk.claim.done(incident.key, name, kind, severity)
    this.#desk.told(incident)
    this.#looks.set(incident.key, Math.min(this.#looks.get(incident.key) ?? Infinity, atMs + this.#groupMs))
  }

  #failed(batch: Batch, error: unknown, id: string): void {
    const { clock, claim } = this.#desk
    const { name, secrets, deadlineMs } = this.channel
    const failure = failureOf(error, secrets)
    batch.attempts++
    batch.reason = failure.reason
    this.#desk.failed(this.channel, batch, id, failure, this.#failures === 0)
    if (failure.isGone) this.#isGone = true
    if (failure.isFinal) {
      this.#remove(batch)
      for (const item of batch.items) this.#told(item, 'refused')
      return
    }
    this.#failures++
    const waitMs = failure.retryAfterMs ?? backoffMs(Math.max(1, batch.attempts), this.#desk.random)
    const nowMs = clock.nowMs()
    batch.notBeforeMs = nowMs + waitMs
    this.#pausedUntilMs =
      nowMs + (failure.retryAfterMs ?? Math.min(waitMs, backoffMs(this.#failures, this.#desk.random)))
    for (const { incident, kind } of batch.items) {
      this.#late.add(incident)
      if (batch.attempts >= attemptsAlone) claim.giveUp(incident.key, name)
      else void claim.ask(incident, name, kind, undefined, waitMs + deadlineMs + marginMs)
    }
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#desk.recovered(this.channel)
    this.#failures = 0
    this.#pausedUntilMs = this.#desk.clock.nowMs() + this.channel.paceMs
  }

  #suppress(batch: Batch, nowMs: number): void {
    this.#remove(batch)
    this.#suppressed.add(batch.items, nowMs + Math.max(this.#groupMs, 1_000))
    for (const item of batch.items) {
      this.#told(item, 'suppressed')
      this.#desk.dropped(item.incident, 'suppressed', this.channel.name)
    }
  }

  /** One message more than the limit has; should there be more of them, they wait for the next minute. */
  async #tellSuppressed(nowMs: number): Promise<void> {
    const { count, severity, names } = this.#suppressed
    const { sender, clock } = this.#desk
    const notification = suppressionOf(this.channel.name, count, severity, [...names], sender, nowMs)
    this.#suppressed.tellAtMs = nowMs + 60_000
    try {
      await sendOnce(this.channel, notification, clock, this.#stopped.signal)
      this.#suppressed.clear()
      this.#succeeded()
      this.#desk.delivered(this.channel, notification, 1)
    } catch (error) {
      const failure = failureOf(error, this.channel.secrets)
      if (failure.isFinal) this.#suppressed.clear()
      else this.#suppressed.tellAtMs = nowMs + (failure.retryAfterMs ?? backoffMs(3, this.#desk.random))
    }
  }

  #policy(incident: Incident): Policy {
    const policy = this.#desk.policyOf(incident, this.channel)
    return this.#isFlushing ? { ...policy, settleMs: 0 } : policy
  }

  #isLate(incident: Incident): boolean {
    return this.#isFlushing || this.#late.has(incident) || this.#desk.isFound(incident)
  }

  #remove(batch: Batch): void {
    this.#batches = this.#batches.filter((other) => other !== batch)
  }
}
