import type { Algorithm } from '../../src/stores/bucket.js'

export interface Asked {
  key: string
  algorithm: Algorithm
  limit: number
  burst: number
  windowUs: number
  need: number
  charge: number
  isShadow: boolean
}

/**
 * What the stores are measured by, as plainly as it can be written: everything that was ever counted, in a list, and the rules as
 * they are stated. GCRA reckons with BigInt, so that nothing is ever rounded.
 */
export class Model {
  readonly #counted = new Map<string, { atUs: number; charge: number }[]>()

  decide(all: Asked[], nowUs: number): boolean {
    const met = all.map((asked) => this.#isMet(asked, nowUs))
    if (all.some(({ isShadow }, i) => !isShadow && !met[i])) return false
    all.forEach(({ key, charge }, i) => {
      if (met[i] && charge > 0) this.#counted.set(key, [...this.#of(key), { atUs: nowUs, charge }])
    })
    return true
  }

  #of(key: string): { atUs: number; charge: number }[] {
    return this.#counted.get(key) ?? []
  }

  #isMet({ key, algorithm, limit, burst, windowUs, need }: Asked, nowUs: number): boolean {
    const counted = this.#of(key)
    if (algorithm === 'gcra') return this.#isMetByGcra(counted, limit, burst, windowUs, need, nowUs)
    const used = algorithm === 'fixed' ? usedFixed(counted, windowUs, nowUs) : usedSliding(counted, windowUs, nowUs)
    return used + need <= limit
  }

  #isMetByGcra(
    counted: { atUs: number; charge: number }[],
    limit: number,
    burst: number,
    windowUs: number,
    need: number,
    nowUs: number,
  ): boolean {
    let debt = 0n
    let last = BigInt(nowUs)
    const pay = (untilUs: bigint) => {
      const paid = (untilUs - last) * BigInt(limit)
      debt = debt > paid ? debt - paid : 0n
      last = untilUs
    }
    for (const { atUs, charge } of counted) {
      if (debt === 0n) last = BigInt(atUs)
      pay(BigInt(atUs))
      debt += BigInt(charge) * BigInt(windowUs)
    }
    pay(BigInt(nowUs))
    return debt + BigInt(need) * BigInt(windowUs) <= BigInt(burst) * BigInt(windowUs)
  }
}

/** A window begins with the first hit after the one before. */
function usedFixed(counted: { atUs: number; charge: number }[], windowUs: number, nowUs: number): number {
  let startUs = -Infinity
  let used = 0
  for (const { atUs, charge } of counted) {
    if (atUs >= startUs + windowUs) {
      startUs = atUs
      used = 0
    }
    used += charge
  }
  return nowUs >= startUs + windowUs ? 0 : used
}

/** A hit counts until the twentieth of a window in which it was made has left the window as a whole. */
function usedSliding(counted: { atUs: number; charge: number }[], windowUs: number, nowUs: number): number {
  const stepUs = windowUs / 20
  const endUs = (atUs: number) => (Math.floor(atUs / stepUs) + 1) * stepUs + windowUs
  return counted.reduce((used, { atUs, charge }) => (nowUs < endUs(atUs) ? used + charge : used), 0)
}

/** The most that was counted in any stretch of a window, of hits in the order of their times. */
export function mostInAnyWindow(timesUs: number[], windowUs: number): number {
  let most = 0
  let first = 0
  timesUs.forEach((atUs, i) => {
    while (timesUs[first]! <= atUs - windowUs) first++
    most = Math.max(most, i - first + 1)
  })
  return most
}
