import type { LeaseAnswer, LeaseCall } from '../../src/lease/call.js'

interface Lease {
  id: number
  amount: number
  step: number
}

/** What the script says of leases, as plainly as it can be written; steps of a fixed window are its beginnings. */
export class LeaseModel {
  readonly #isSliding: boolean
  readonly #windowUs: number
  readonly #counts = new Map<number, number>()
  #leases: Lease[] = []
  /** All fixed windows that there were. */
  readonly windows: number[] = []

  constructor({ algorithm, windowUs }: { algorithm: string; windowUs: number }) {
    this.#isSliding = algorithm === 'sliding'
    this.#windowUs = windowUs
  }

  call({ id, limit, need, least, want, share, ended }: LeaseCall, nowUs: number): LeaseAnswer {
    const step = this.#step(nowUs)
    for (const [each] of this.#counts) if (nowUs >= this.#endUs(each)) this.#counts.delete(each)
    this.#leases = this.#leases.filter((lease) => this.#counts.has(lease.step))
    for (const { id, unspent } of ended) {
      const lease = this.#leases.find((each) => each.id === id)
      if (!lease) continue
      const back = unspent < 0 ? lease.amount : Math.min(unspent, lease.amount)
      this.#counts.set(lease.step, Math.max(0, this.#counts.get(lease.step)! - back))
      this.#leases = this.#leases.filter((each) => each !== lease)
    }
    const held = this.#leases.reduce((sum, { amount }) => sum + amount, 0)
    const left = Math.max(0, limit - this.#used())
    let granted = 0
    if (need + want > 0 && left >= least) {
      granted = Math.min(left, need + Math.min(want, Math.max(need > 0 ? 0 : 1, Math.floor(left / share))))
    }
    if (granted > 0) {
      if (!this.#isSliding && !this.#counts.has(step)) this.windows.push(step)
      this.#counts.set(step, (this.#counts.get(step) ?? 0) + granted)
      this.#leases = [...this.#leases.slice(-99), { id, amount: granted, step }]
    }
    const used = this.#used()
    const room = Math.max(1, least)
    const validUs = this.#isSliding ? (step + 1) * (this.#windowUs / 20) - nowUs : step + this.#windowUs - nowUs
    const isEmpty = this.#isSliding && used === 0
    const neverUs = (this.#windowUs / 20) * 21
    const retryUs = used + room <= limit ? 0 : isEmpty ? neverUs : this.#freedUs(used + room - limit, nowUs)
    const resetUs = isEmpty
      ? retryUs
      : used > 0 || retryUs > 0
        ? this.#freedUs(Math.max(1, used + room - limit), nowUs)
        : 0
    return {
      granted,
      used,
      validUs: Math.floor(validUs),
      retryUs: Math.ceil(retryUs),
      resetUs: Math.ceil(resetUs),
      held,
    }
  }

  #used(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  #step(nowUs: number): number {
    if (this.#isSliding) return Math.floor(nowUs / (this.#windowUs / 20))
    const [start = Number.NEGATIVE_INFINITY] = this.#counts.keys()
    return nowUs < start + this.#windowUs ? start : nowUs
  }

  #endUs(step: number): number {
    return this.#isSliding ? (step + 21) * (this.#windowUs / 20) : step + this.#windowUs
  }

  /** When so many will have left. */
  #freedUs(count: number, nowUs: number): number {
    if (!this.#isSliding) return this.#step(nowUs) + this.#windowUs - nowUs
    const steps = [...this.#counts].filter(([, count]) => count > 0).sort(([a], [b]) => a - b)
    let freed = 0
    for (const [step, count_] of steps) {
      freed += count_
      if (freed >= count) return this.#endUs(step) - nowUs
    }
    return this.#endUs(steps.at(-1)?.[0] ?? this.#step(nowUs)) - nowUs
  }
}
