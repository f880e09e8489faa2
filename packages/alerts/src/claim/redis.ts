import { randomBytes } from 'node:crypto'
import type { Severity } from '../alert.js'
import type { Clock } from '../clock.js'
import type { Kind } from '../due.js'
import type { Incident } from '../incident.js'
import type { Log } from '../log.js'
import { isEnd } from '../notification.js'
import type { Claim, Verdict } from './claim.js'
import { acknowledgeScript, claimScript, doneScript, giveUpScript, holdScript, letGoScript } from './scripts.js'

/** What is called of a client of ioredis, or of its Cluster. */
export interface RedisLike {
  eval(script: string, numberOfKeys: number, ...args: (string | number)[]): Promise<unknown>
}

/** For how long what was told is known after the last process that held it. */
const toldMs = 600_000
const acknowledgedMs = 7 * 86_400_000
const answerMs = 1_000
/** For how long a Redis that did not answer is left alone. */
const restMs = 2_000
const againMs = 1_000

/** Several processes tell each thing once. Without Redis each tells all: better twice than not at all. */
export class RedisClaim implements Claim {
  readonly #redis: RedisLike
  readonly #clock: Clock
  readonly #log: Log
  readonly #prefix: string
  readonly #channels: readonly string[]
  readonly #process = randomBytes(8).toString('hex')
  readonly #held = new Set<string>()
  readonly #holdMs: number
  #downUntilMs = 0
  /** Holds of others may be missing until then: Redis was away, or has lost what it knew. */
  #incompleteUntilMs = 0
  #onOver: (key: string, channel: string, atMs: number) => void = () => {}
  #isDown = false
  #timer: NodeJS.Timeout | undefined

  /** @param holdMs for how long a process that is not heard of still holds a problem */
  constructor(
    redis: RedisLike,
    service: string,
    channels: readonly string[],
    clock: Clock,
    log: Log,
    holdMs: number = 30_000,
  ) {
    this.#redis = redis
    this.#holdMs = holdMs
    this.#clock = clock
    this.#log = log
    this.#channels = channels
    // The braces keep all keys of a service in one slot of a Cluster.
    this.#prefix = `steadfast:alerts:{${service.replace(/[{}]/g, '_')}}:`
  }

  start(onOver: (key: string, channel: string, atMs: number) => void): void {
    this.#onOver = onOver
    this.#timer = setInterval(() => this.#holdAll(), this.#holdMs / 3).unref()
  }

  hold({ key }: Incident): void {
    this.#held.add(key)
    void this.#hold(key)
  }

  letGo(key: string): void {
    if (this.#held.delete(key)) void this.#letGo(key)
  }

  acknowledge(key: string): void {
    void this.#call(acknowledgeScript, [this.#key('acknowledged', key)], [acknowledgedMs])
  }

  async ask(
    incident: Incident,
    channel: string,
    kind: Kind,
    repeatMs: number | undefined,
    leaseMs: number,
  ): Promise<Verdict> {
    const { key, startsAtMs, endsAtMs } = incident
    const nowMs = this.#clock.nowMs()
    if (isEnd(kind) && nowMs < this.#incompleteUntilMs) return { waitMs: againMs }
    const keys = [
      this.#key('hold', key),
      this.#told(key, channel),
      this.#lease(key, channel),
      this.#key('acknowledged', key),
    ]
    // The same may have been told of an earlier incident; a repeat is told again after its time.
    const isOld = {
      fire: -1,
      update: -1,
      repeat: (repeatMs ?? 0) * 0.9,
      resolve: nowMs - startsAtMs,
      over: nowMs - startsAtMs,
    }
    const what = kind === 'fire' ? 'firing' : whatOf(incident.alert.severity, kind)
    const answer = await this.#call(claimScript, keys, [this.#process, what, isOld[kind], leaseMs, this.#holdMs, kind])
    if (answer === undefined) {
      // Who still holds it can't be known: the holds of others would be over by then.
      return isEnd(kind) && nowMs < (endsAtMs ?? 0) + this.#holdMs ? { waitMs: againMs } : 'go'
    }
    const [verdict, ms] = answer as [string, number]
    if (verdict === 'go' && isEnd(kind) && this.#clock.nowMs() < this.#incompleteUntilMs) {
      this.giveUp(key, channel) // it was learnt meanwhile
      return { waitMs: againMs }
    }
    if (verdict === 'go' || verdict === 'told') return verdict
    return { waitMs: verdict === 'held' ? againMs : Math.min(againMs, Math.max(50, ms)) }
  }

  done(key: string, channel: string, kind: Kind, severity: Severity): void {
    const keys = [this.#told(key, channel), this.#lease(key, channel), this.#key('acknowledged', key)]
    void this.#call(doneScript, keys, [this.#process, whatOf(severity, kind), toldMs])
  }

  giveUp(key: string, channel: string): void {
    void this.#call(giveUpScript, [this.#lease(key, channel)], [this.#process])
  }

  async close(isLeft: boolean): Promise<void> {
    clearInterval(this.#timer)
    const keys = isLeft ? [] : [...this.#held]
    this.#held.clear()
    await Promise.all(keys.map((key) => this.#letGo(key)))
  }

  #holdAll(): void {
    for (const key of this.#held) void this.#hold(key)
  }

  async #hold(key: string): Promise<void> {
    const keys = [this.#key('hold', key), ...this.#channels.map((channel) => this.#told(key, channel))]
    const askedAtMs = this.#clock.nowMs()
    const told = await this.#call(holdScript, keys, [this.#process, this.#holdMs, toldMs])
    if (!Array.isArray(told) || !this.#held.has(key)) return
    for (const [index, channel] of this.#channels.entries()) {
      if (told[index] === 'resolved') this.#onOver(key, channel, askedAtMs)
    }
  }

  async #letGo(key: string): Promise<void> {
    const count = await this.#call(letGoScript, [this.#key('hold', key)], [this.#process])
    if (count === 0) this.#isIncomplete()
  }

  /** By then the others have said again what they hold. */
  #isIncomplete(): void {
    this.#incompleteUntilMs = this.#clock.nowMs() + this.#holdMs / 3 + answerMs + restMs
  }

  /** @returns undefined where Redis does not answer */
  async #call(script: string, keys: string[], args: (string | number)[]): Promise<unknown> {
    if (this.#clock.nowMs() < this.#downUntilMs) return undefined
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(answerMs, () => reject(new Error(`no answer within ${answerMs} ms`)))
    })
    try {
      const answer = await Promise.race([this.#redis.eval(script, keys.length, ...keys, ...args), late])
      if (this.#isDown) this.#isUp()
      return answer
    } catch (error) {
      this.#downUntilMs = this.#clock.nowMs() + restMs
      // The message alone: an error of a client carries its arguments.
      const reason = (error as Error)?.message
      if (!this.#isDown)
        this.#log.warn({ reason }, 'alerts: Redis does not answer; each process tells for itself until it does')
      this.#isDown = true
      return undefined
    } finally {
      cancel()
    }
  }

  #isUp(): void {
    this.#isDown = false
    this.#log.info({}, 'alerts: Redis answers again')
    this.#isIncomplete()
    this.#holdAll()
  }

  #key(kind: string, key: string): string {
    return `${this.#prefix}${kind}:${key}`
  }

  #told(key: string, channel: string): string {
    return this.#key('told', `${key}:${channel}`)
  }

  #lease(key: string, channel: string): string {
    return this.#key('lease', `${key}:${channel}`)
  }
}

function whatOf(severity: Severity, kind: Kind): string {
  return isEnd(kind) ? 'resolved' : `firing:${severity}`
}
