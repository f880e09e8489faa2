import { randomUUID } from 'node:crypto'
import type { Bucket } from '../stores/bucket.js'
import type { Claim } from '../stores/claim.js'
import { keyOf, numbersOf } from '../stores/redis.js'
import type { Script } from '../stores/script.js'
import type { OnRedisError, Outcome } from '../stores/shared.js'
import { slotScript } from './script.js'

type Answered = (error: unknown, answer?: unknown) => void

export interface SlotsOptions {
  /** Runs a script in Redis; undefined: the slots are those of this process alone. */
  run: ((script: Script, keyCount: number, rest: (string | number)[], done: Answered) => void) | undefined
  onError: OnRedisError
  instances: number
}

/** The slots that this process holds of one key. */
interface Held {
  readonly bucket: Bucket
  readonly key: string
  readonly ids: Set<string>
  renewedMs: number
}

/** How often a slot is renewed within the time that it is held for. */
const renewals = 3

/** A client is told to come again after so long, if a slot is not free by itself before. */
const retryUs = 1_000_000

/** Slots that requests hold while they are being answered. */
export class Slots {
  readonly #options: SlotsOptions
  readonly #held = new Map<string, Held>()
  readonly #ofClaim = new WeakMap<Claim, { held: Held; ids: string[] }>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: SlotsOptions) {
    this.#options = options
  }

  /** How many this process holds. */
  get size(): number {
    let sum = 0
    for (const { ids } of this.#held.values()) sum += ids.size
    return sum
  }

  take(claim: Claim, done: (outcome: Outcome) => void): void {
    const { onError, instances } = this.#options
    const { limit, need, charge } = claim
    const id = randomUUID()
    this.#ask(claim, ['take', leaseUs(claim), limit, need, charge, id], (error, answer) => {
      if (error === undefined && answer) {
        const [isOk, used, freeUs] = numbersOf(answer) as [number, number, number]
        this.#tell(claim, isOk === 1, used, Math.min(freeUs, retryUs))
        if (isOk === 1) this.#hold(claim, id)
        done(isOk === 1 ? 'met' : 'exceeded')
        return
      }
      // It may have been taken all the same.
      if (error !== undefined) this.#ask(claim, ['drop', 0, ...idsOf(id, charge)], () => {})
      if (error !== undefined && onError !== 'local') {
        done(onError)
        return
      }
      const share = error === undefined ? limit : Math.max(1, Math.floor(limit / instances))
      const used = this.#held.get(nameOf(claim))?.ids.size ?? 0
      const isOk = used + need <= share
      this.#tell(claim, isOk, isOk ? used + charge : used, retryUs)
      if (isOk) this.#hold(claim, id)
      done(isOk ? 'met' : 'exceeded')
    })
  }

  /** Gives back what a claim has taken, if it has not been given back. */
  release(claim: Claim): void {
    const taken = this.#ofClaim.get(claim)
    if (!taken) return
    this.#ofClaim.delete(claim)
    const { held, ids } = taken
    for (const id of ids) held.ids.delete(id)
    if (held.ids.size === 0) this.#held.delete(nameOf(held))
    if (this.#held.size === 0) this.stop()
    this.#ask(held, ['drop', 0, ...ids], () => {})
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #hold(claim: Claim, id: string): void {
    const ids = idsOf(id, claim.charge)
    if (ids.length === 0) return
    const name = nameOf(claim)
    const { bucket, key } = claim
    const held = this.#held.get(name) ?? { bucket, key, ids: new Set(), renewedMs: performance.now() }
    this.#held.set(name, held)
    for (const id of ids) held.ids.add(id)
    this.#ofClaim.set(claim, { held, ids })
    const everyMs = leaseUs(claim) / 1_000 / renewals
    if (!this.#options.run) return
    this.#timer ??= setInterval(() => this.#renew(), Math.max(10, Math.min(1_000, everyMs / 2))).unref()
  }

  #renew(): void {
    const nowMs = performance.now()
    for (const held of this.#held.values()) {
      if (nowMs < held.renewedMs + leaseUs(held) / 1_000 / renewals) continue
      held.renewedMs = nowMs
      this.#ask(held, ['renew', leaseUs(held), ...held.ids], () => {})
    }
  }

  #tell(claim: Claim, isOk: boolean, used: number, freeUs: number): void {
    claim.isOk = isOk
    claim.remaining = Math.max(0, claim.limit - used)
    claim.retryUs = claim.resetUs = isOk ? 0 : Math.max(1, Math.ceil(freeUs))
  }

  #ask({ bucket, key }: { bucket: Bucket; key: string }, args: (string | number)[], done: Answered): void {
    if (this.#options.run) this.#options.run(slotScript, 1, [keyOf(bucket.prefix, key), ...args], done)
    else done(undefined)
  }
}

const nameOf = ({ bucket, key }: { bucket: Bucket; key: string }): string => bucket.prefix + key

const leaseUs = ({ bucket }: { bucket: Bucket }): number => bucket.windowUs

const idsOf = (id: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${id}:${i + 1}`)
