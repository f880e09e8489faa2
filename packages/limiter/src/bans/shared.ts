import { keyOf, numbersOf } from '../stores/redis.js'
import type { Script } from '../stores/script.js'
import type { Ban, Subject } from './ban.js'
import type { EscalateSettings } from './options.js'
import { banScript } from './script.js'
import type { BanTable } from './table.js'

type Answered = (error: unknown, answer?: unknown) => void

export interface SharedBansOptions {
  run: (script: Script, keyCount: number, rest: (string | number)[], done: Answered) => void
  keyPrefix: string
  table: BanTable
  /** Somebody is banned, here or by another instance. */
  onBan(ban: Ban): void
}

/** How often the bans of other instances are looked for: each holds everywhere within a second. */
const everyMs = 500

/** Bans that one call tells Redis, at most. */
const mostTold = 100

/** Bans in Redis, which all instances keep. Their keys lie in one slot of a Cluster. */
export class SharedBans {
  readonly #options: SharedBansOptions
  readonly #keys: string[]
  #epoch = ''
  #version = 0
  /** What there was when it started is no news. */
  #isCaughtUp = false
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: SharedBansOptions) {
    this.#options = options
    this.#keys = ['', ':version', ':end', ':meta'].map((part) => `{${options.keyPrefix}bans}${part}`)
  }

  /** @param count of refusals that are new. @returns in `done` what Redis knows of the subject then */
  offend(subject: Subject, count: number, windowMs: number, escalate: EscalateSettings, done: BanAnswered): void {
    const { after, banMs, factor, maxMs } = escalate
    const { offences } = this.#options.table.offences(subject.prefix + subject.key)
    this.#ask('offend', subject, [count, after, windowMs, banMs, factor, maxMs, offences], done)
  }

  ban(subject: Subject, banMs: number, done: BanAnswered): void {
    this.#ask('ban', subject, [banMs, this.#options.table.offences(subject.prefix + subject.key).offences], done)
  }

  unban(subject: Subject, done: BanAnswered): void {
    this.#ask('unban', subject, [], done)
  }

  /** Begins to look for bans, and calls when those there are now are known, or can't be. */
  start(done: () => void): void {
    this.#sync(done)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #ask(act: string, subject: Subject, args: (string | number)[], done: BanAnswered): void {
    const name = nameOf(subject)
    const keys = [...this.#keys, `${this.#keys[0]}:refusals:${name}`]
    this.#options.run(banScript, keys.length, [...keys, act, name, whatOf(subject), ...args], (error, answer) => {
      if (error !== undefined) done(error)
      else done(undefined, banOf(subject, numbersOf(answer)))
    })
  }

  #sync(done: () => void): void {
    const { run, table } = this.#options
    const told = table.unshared(mostTold)
    const args = told.flatMap((ban) => [nameOf(ban), whatOf(ban), ban.leftMs, ban.offences, ban.forgetMs])
    const rest = [...this.#keys, 'sync', this.#epoch, this.#version, ...args]
    run(banScript, this.#keys.length, rest, (error, answer) => {
      if (error === undefined) table.markShared(told)
      const isMore = error === undefined && this.#take(answer as (string | number)[])
      if (this.#isStopped) return done()
      if (error === undefined && (isMore || told.length === mostTold)) return this.#sync(done)
      this.#timer = setTimeout(() => this.#sync(() => {}), everyMs).unref()
      done()
    })
  }

  /** @returns whether there is more to ask for at once */
  #take([epoch, version, more, ...list]: (string | number)[]): boolean {
    const isMore = Number(more) === 1
    const { table, onBan } = this.#options
    // It has lost what it had, all of it or the last: what is known here is told again.
    const isLost = this.#epoch !== '' && (epoch !== this.#epoch || Number(version) < this.#version)
    if (isLost) table.loseShared()
    this.#epoch = String(epoch)
    this.#version = Number(version)
    for (let i = 0; i < list.length; i += 4) {
      const [prefix, policy, key] = JSON.parse(String(list[i])) as [string, string, string]
      const ban = banOf({ prefix, policy, key }, list.slice(i + 1, i + 4).map(Number))
      if (table.put(ban, true) && this.#isCaughtUp) onBan(ban)
    }
    this.#isCaughtUp ||= !isMore
    return isMore || isLost
  }
}

export type BanAnswered = (error: unknown, ban?: Ban) => void

const nameOf = ({ prefix, key }: Subject): string => keyOf(prefix, key)

const whatOf = ({ prefix, policy, key }: Subject): string => JSON.stringify([prefix, policy, key])

function banOf({ prefix, policy, key }: Subject, [leftMs = 0, offences = 0, forgetMs = 0]: number[]): Ban {
  return { prefix, policy, key, leftMs, offences, forgetMs }
}
