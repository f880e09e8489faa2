import type { Acknowledgements } from './acknowledgements.js'
import { Backplane, type BackplaneListener, type Message } from './backplane.js'
import { within } from './deadline.js'
import type { RedisNames } from './keys.js'
import type { Authority } from './memory.js'
import type { RedisClock } from './redis-clock.js'
import type { RedisLike, SubscriberLike } from './redis-like.js'
import { beat, run } from './scripts.js'
import { Sequence } from './sequence.js'
import type { Stamps } from './stamps.js'

/** How often Redis is asked for the number of the last invalidation. */
const beatMs = 250
/** What it tells of must have come by the backplane by then. */
const lateMs = 100

/** It answers and takes no writes: a replica, a full memory, a disk that can't be written. Before Redis 7 scripts wrap it. */
const takesNoWrites = /\b(READONLY|MISCONF|NOREPLICAS|OOM)\b/

export interface SyncOptions {
  redis: RedisLike
  names: RedisNames
  instance: string
  /** Without, memory goes by its times alone. */
  subscriber: { subscriber: SubscriberLike; isOwn: boolean } | undefined
  leaseMs: number
  /** Whether memory answers while Redis does not. */
  servesDetached: boolean
  timeoutMs: number
  authority: Authority
  stamps: Stamps
  clock: RedisClock
  acknowledgements: Acknowledgements
  onKey(key: string): void
  onStamps(stamps: string[]): void
  /** An invalidation may have been missed: nothing in memory can be trusted. */
  onGap(reason: string): void
  /** Redis has answered. */
  onBeat(): void
  onError(error: unknown): void
}

/**
 * Keeps count of all invalidations. Each has a number; one that is missing, or that Redis knows of and the backplane does not bring,
 * is a gap. Only while there is none, memory has a lease to answer.
 */
export class Sync implements BackplaneListener {
  /** The highest number that is known to have been given. */
  knownNumber = 0
  /** Whether Redis takes no writes: what was invalidated is there still, and nobody hears of it. */
  isReadOnly = false
  readonly #options: SyncOptions
  readonly #backplane: Backplane | undefined
  readonly #sequence = new Sequence()
  #lastBeat = 0
  #timer: NodeJS.Timeout | undefined
  #first: Promise<void> | undefined
  #isBeating = false
  #isStopped = false

  constructor(options: SyncOptions) {
    this.#options = options
    const { subscriber, names, instance, authority } = options
    this.#backplane = subscriber && new Backplane(subscriber, names, instance, this)
    authority.leaseUntilMs = subscriber ? 0 : Infinity
  }

  /** Resolves once invalidations are heard of; who needs Redis before waits for its first answer alone. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.beat(), beatMs).unref()
    this.#first = this.beat()
    await this.#first
    await this.#backplane?.start()
    await this.beat()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    await this.#backplane?.stop()
    const { redis, instance, timeoutMs } = this.#options
    if (this.#backplane) await within(this.#ask(redis, instance, 0), timeoutMs).catch(() => {})
  }

  get hasClock(): boolean {
    return this.#options.clock.isSet
  }

  /** Whether Redis' clock and numbers are known; waits for the first answer, if that is under way. */
  async isReady(): Promise<boolean> {
    if (!this.#options.clock.isSet) await this.#first
    return this.#options.clock.isSet
  }

  /** Whether what was not heard of has not been. */
  get isComplete(): boolean {
    return this.#sequence.last !== undefined && this.#options.authority.leaseUntilMs > performance.now()
  }

  async beat(): Promise<void> {
    if (this.#isBeating || this.#isStopped) return
    this.#isBeating = true
    const { redis, instance, leaseMs, timeoutMs } = this.#options
    const sentMs = performance.now()
    const before = this.#sequence.last
    const answer = this.#ask(redis, instance, this.#backplane ? leaseMs : 1)
      .then((answer) => this.#onBeat(answer.map(Number), sentMs, before))
      .finally(() => {
        this.#isBeating = false
      })
    // One that comes late still counts: there is no second one meanwhile.
    await within(answer, timeoutMs).catch(this.#onDetached)
  }

  onMessage({ number, sender, isToConfirm, items }: Message): void {
    const { instance, names, redis, stamps, onKey, onStamps, onGap } = this.#options
    const gap = this.#sequence.take(number)
    if (gap) onGap(gap)
    this.knownNumber = Math.max(this.knownNumber, number)
    if (sender === instance) return
    const raised = items.filter((item) => !item.startsWith('k'))
    for (const item of items) if (item.startsWith('k')) onKey(item.slice(1))
    if (raised.length > 0) {
      stamps.raise(raised, number)
      onStamps(raised)
    }
    if (isToConfirm) {
      const acknowledgement = JSON.stringify([instance, number])
      redis.publish(names.acknowledgements(sender), acknowledgement).catch(() => {}) // then it waits for our lease
    }
  }

  onAcknowledgement(instance: string, number: number): void {
    this.#options.acknowledgements.heard(instance, number)
  }

  onReconnect(): void {
    this.#options.onGap('the backplane has a new connection')
    void this.beat()
  }

  async #ask(redis: RedisLike, instance: string, leaseMs: number): Promise<string[]> {
    const { stamps, instances } = this.#options.names
    return (await run(redis, beat, [stamps, instances], [this.knownNumber, instance, leaseMs])) as string[]
  }

  #onDetached = (error: unknown): void => {
    const { servesDetached, authority, onError } = this.#options
    onError(error)
    this.isReadOnly = takesNoWrites.test((error as Error)?.message)
    if (servesDetached && this.#sequence.last !== undefined) authority.leaseUntilMs = Infinity
  }

  #onBeat([number, floor, , redisMs]: number[], sentMs: number, before: number | undefined): void {
    if (this.#isStopped) return
    this.isReadOnly = false
    const { clock, stamps, onGap, onBeat } = this.#options
    clock.set(redisMs!, sentMs, performance.now())
    if (stamps.floor === 0) stamps.forget(floor!)
    this.knownNumber = Math.max(this.knownNumber, number!)
    // Without a backplane this is how it is noticed that stamps have been raised.
    if (this.#sequence.last === undefined && number !== this.#lastBeat) stamps.forget(floor!)
    this.#lastBeat = number!
    if (!this.#backplane?.isSubscribed) {
      onBeat()
      return
    }
    if (this.#sequence.last === undefined) this.#sequence.begin(number!)
    else if (before !== undefined && number! < before) {
      this.#sequence.begin(number!)
      onGap(`Redis has gone back from ${before} to ${number}`)
    }
    this.#catchUp(number!, floor!, sentMs)
    onBeat()
  }

  /** Extends the lease once all that the beat told of has come. */
  #catchUp(number: number, floor: number, sentMs: number): void {
    if (this.#sequence.last! >= number) {
      this.#extend(sentMs)
      return
    }
    const settle = () => {
      if (this.#isStopped) return
      const gap = this.#sequence.skipTo(number)
      if (gap) {
        this.#options.stamps.forget(floor)
        this.#options.onGap(gap)
        if (this.#sequence.takeSilence()) this.#backplane?.reconnect()
      }
      this.#extend(sentMs)
    }
    // What has come by then is read first.
    setTimeout(() => setImmediate(settle), lateMs).unref()
  }

  #extend(sentMs: number): void {
    const { authority, leaseMs } = this.#options
    const untilMs = sentMs + leaseMs
    // One of `Infinity` was given while Redis did not answer.
    if (authority.leaseUntilMs === Infinity || authority.leaseUntilMs < untilMs) authority.leaseUntilMs = untilMs
  }
}
