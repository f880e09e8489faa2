import { performance } from 'node:perf_hooks' // the global is a getter
import type { Claim } from '../stores/claim.js'
import { type Ban, mostBans } from './ban.js'

interface Entry {
  readonly ban: Ban
  readonly sinceMs: number
  untilMs: number
  /** Redis knows. */
  isShared: boolean
}

/** By so much a ban that was told twice can seem longer the second time: a call to Redis takes its time. */
const toleranceMs = 250

/** The bans that this process knows, whether or not Redis can be asked. */
export class BanTable {
  readonly #nowMs: () => number
  readonly #entries = new Map<string, Entry>()
  #nextSweepMs = 0

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** With those that are over, but not forgotten. */
  get size(): number {
    return this.#entries.size
  }

  /** Those in force. */
  get active(): number {
    const nowMs = this.#nowMs()
    let sum = 0
    for (const { untilMs } of this.#entries.values()) if (untilMs > nowMs) sum++
    return sum
  }

  /** Whether one of the claims is of a subject that is banned; such claims are answered then. */
  fails(claims: readonly Claim[]): boolean {
    if (this.#entries.size === 0) return false
    let isBanned = false
    for (const claim of claims) {
      if (claim.isShadow) continue
      const leftMs = this.leftMs(claim.bucket.prefix + claim.key)
      if (leftMs <= 0) continue
      claim.isOk = false
      claim.remaining = 0
      claim.retryUs = claim.resetUs = Math.ceil(leftMs * 1_000)
      isBanned = true
    }
    return isBanned
  }

  leftMs(name: string): number {
    return (this.#entries.get(name)?.untilMs ?? 0) - this.#nowMs()
  }

  /** The offences of a subject, until they are forgotten. */
  offences(name: string): Pick<Ban, 'offences' | 'forgetMs'> {
    const entry = this.#entries.get(name)
    const forgetMs = entry ? entry.sinceMs + entry.ban.forgetMs - this.#nowMs() : 0
    return forgetMs > 0 ? { offences: entry!.ban.offences, forgetMs } : { offences: 0, forgetMs: 0 }
  }

  /** @returns whether it bans somebody anew, or for longer */
  put(ban: Ban, isShared: boolean): boolean {
    const nowMs = this.#nowMs()
    const name = ban.prefix + ban.key
    const before = this.#entries.get(name)
    const untilMs = nowMs + ban.leftMs
    this.#entries.delete(name)
    if (ban.forgetMs > 0 && (ban.leftMs > 0 || ban.offences > 0)) {
      this.#entries.set(name, { ban, sinceMs: nowMs, untilMs, isShared })
      this.#makeRoom(nowMs)
    }
    return ban.leftMs > 0 && untilMs > Math.max(nowMs, before?.untilMs ?? 0) + (before ? toleranceMs : 0)
  }

  forget(name: string): void {
    this.#entries.delete(name)
  }

  /** Bans in force that Redis does not know, so many at most. */
  unshared(most: number): Ban[] {
    const nowMs = this.#nowMs()
    const found: Ban[] = []
    for (const { ban, sinceMs, untilMs, isShared } of this.#entries.values()) {
      if (isShared || untilMs <= nowMs) continue
      found.push({ ...ban, leftMs: untilMs - nowMs, forgetMs: Math.max(1, sinceMs + ban.forgetMs - nowMs) })
      if (found.length === most) break
    }
    return found
  }

  markShared(bans: readonly Ban[]): void {
    for (const { prefix, key } of bans) {
      const entry = this.#entries.get(prefix + key)
      if (entry) entry.isShared = true
    }
  }

  /** Redis may not know any of them. */
  loseShared(): void {
    for (const entry of this.#entries.values()) entry.isShared = false
  }

  #makeRoom(nowMs: number): void {
    if (this.#entries.size > mostBans) {
      for (const name of this.#entries.keys()) {
        this.#entries.delete(name)
        break
      }
    }
    if (nowMs < this.#nextSweepMs) return
    this.#nextSweepMs = nowMs + 10_000
    for (const [name, { ban, sinceMs }] of this.#entries) {
      if (sinceMs + ban.forgetMs <= nowMs) this.#entries.delete(name)
    }
  }
}
