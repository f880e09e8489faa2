import type { PolicyClaim } from '../claims.js'
import type { PlacedPolicy } from '../scope.js'
import type { Script } from '../stores/script.js'
import type { Ban, Subject } from './ban.js'
import { banMsOf, type EscalateSettings } from './options.js'
import { Refusals } from './refusals.js'
import { SharedBans } from './shared.js'
import { BanTable } from './table.js'

export interface BansOptions {
  /** Runs a script in Redis; undefined: bans are those of this process alone. */
  run:
    | ((
        script: Script,
        keyCount: number,
        rest: (string | number)[],
        done: (error: unknown, answer?: unknown) => void,
      ) => void)
    | undefined
  keyPrefix: string
  /** Somebody is banned, here or by another instance. */
  onBan(ban: Ban): void
}

/** Who is banned: known here and so kept whether or not Redis answers, shared with all instances by it. */
export class Bans {
  readonly table: BanTable = new BanTable()
  readonly #refusals = new Refusals()
  readonly #onBan: (ban: Ban) => void
  readonly #shared: SharedBans | undefined
  /** Refusals of subjects for which Redis is being asked: they are told together, once it has answered. */
  readonly #waiting = new Map<string, number>()
  isStarted = false

  constructor({ run, keyPrefix, onBan }: BansOptions) {
    this.#onBan = onBan
    this.#shared = run && new SharedBans({ run, keyPrefix, table: this.table, onBan })
  }

  /** Counts the claims that were not met. */
  offend(claims: readonly PolicyClaim[]): void {
    for (const { policy, key, isOk, isShadow } of claims) {
      if (policy.escalate && !isOk && !isShadow)
        this.#refused(subjectOf(policy, key), 1, policy.windowMs, policy.escalate)
    }
  }

  /** Here at once, and on every instance if Redis answers; if it does not, once it does. */
  ban(subject: Subject, banMs: number, done: (error?: unknown) => void): void {
    const { offences, forgetMs } = this.table.offences(subject.prefix + subject.key)
    this.#put({ ...subject, leftMs: banMs, offences, forgetMs: Math.max(forgetMs, banMs) }, false)
    if (this.#shared) this.#shared.ban(subject, banMs, (error, ban) => this.#answered(error, ban, done))
    else done()
  }

  /** As `ban`; what led to the ban is forgotten as well. */
  unban(subject: Subject, done: (error?: unknown) => void): void {
    const name = subject.prefix + subject.key
    this.#refusals.forget(name)
    this.table.forget(name)
    if (this.#shared) this.#shared.unban(subject, (error, ban) => this.#answered(error, ban, done))
    else done()
  }

  /** Resolves when the bans there are now are known, or can't be. */
  async start(): Promise<void> {
    if (this.isStarted) return
    this.isStarted = true
    await new Promise<void>((resolve) => (this.#shared ? this.#shared.start(resolve) : resolve()))
  }

  stop(): void {
    this.#shared?.stop()
  }

  #refused(subject: Subject, count: number, windowMs: number, escalate: EscalateSettings): void {
    const name = subject.prefix + subject.key
    if (this.table.leftMs(name) > 0) return
    if (!this.#shared) {
      this.#refusedAlone(subject, count, windowMs, escalate)
      return
    }
    const waiting = this.#waiting.get(name)
    if (waiting !== undefined) {
      this.#waiting.set(name, waiting + count)
      return
    }
    this.#waiting.set(name, 0)
    this.#shared.offend(subject, count, windowMs, escalate, (error, ban) => {
      const more = this.#waiting.get(name) ?? 0
      this.#waiting.delete(name)
      if (error !== undefined) this.#refusedAlone(subject, count, windowMs, escalate)
      else if (ban!.leftMs > 0) this.#put(ban!, true)
      if (more > 0) this.#refused(subject, more, windowMs, escalate)
    })
  }

  #refusedAlone(subject: Subject, count: number, windowMs: number, escalate: EscalateSettings): void {
    const name = subject.prefix + subject.key
    if (!this.#refusals.add(name, count, escalate.after, windowMs)) return
    const offences = this.table.offences(name).offences + 1
    const leftMs = banMsOf(escalate, offences)
    this.#put({ ...subject, leftMs, offences, forgetMs: leftMs + escalate.maxMs }, false)
  }

  #answered(error: unknown, ban: Ban | undefined, done: (error?: unknown) => void): void {
    if (ban) this.#put(ban, true)
    done(error)
  }

  #put(ban: Ban, isShared: boolean): void {
    if (this.table.put(ban, isShared)) this.#onBan(ban)
  }
}

export function subjectOf({ bucket: { prefix }, name }: PlacedPolicy, key: string): Subject {
  return { prefix, policy: name, key }
}
