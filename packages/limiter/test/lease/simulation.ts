import type { LeaseAnswer, LeaseCall } from '../../src/lease/call.js'
import { LeasedStore } from '../../src/lease/leased-store.js'
import type { Bucket } from '../../src/stores/bucket.js'
import { type Claim, claimOn } from '../../src/stores/claim.js'
import { LeaseModel } from './model.js'

export interface Network {
  /** How long a message takes, one way. */
  leastUs: number
  mostUs: number
  /** How many calls, and answers, are lost. */
  lost: number
  timeoutMs: number
}

export interface Admission {
  atUs: number
  cost: number
  limit: number
  instance: number
}

/** Time that is made of events, and a Redis and instances that live in it. */
export class World {
  readonly #random: () => number
  readonly #network: Network
  readonly #events: { atUs: number; order: number; act: () => void }[] = []
  #order = 0
  nowUs: number = 1_000_000_000
  #frozenUntilUs = 0
  readonly models: Map<Bucket, LeaseModel> = new Map()
  calls = 0
  readonly admitted: Map<Bucket, Admission[]> = new Map()
  denied = 0

  constructor(random: () => number, network: Network) {
    this.#random = random
    this.#network = network
  }

  at(atUs: number, act: () => void): void {
    const event = { atUs: Math.max(atUs, this.nowUs), order: this.#order++, act }
    let [low, high] = [0, this.#events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#events[middle]!.atUs > event.atUs) low = middle + 1
      else high = middle
    }
    this.#events.splice(low, 0, event)
  }

  run(untilUs: number): void {
    for (let next = this.#events.at(-1); next && next.atUs <= untilUs; next = this.#events.at(-1)) {
      this.#events.pop()
      this.nowUs = next.atUs
      next.act()
    }
    this.nowUs = untilUs
  }

  freeze(forUs: number): void {
    this.#frozenUntilUs = this.nowUs + forUs
  }

  delayUs(): number {
    const { leastUs, mostUs } = this.#network
    return Math.floor(leastUs + this.#random() ** 3 * (mostUs - leastUs))
  }

  /** From the network to the model and back. */
  call(call: LeaseCall, instance: Instance, done: (error: unknown, answer?: LeaseAnswer) => void): void {
    const { timeoutMs, lost } = this.#network
    let isOver = false
    const end = (act: () => void) => {
      if (isOver || !instance.isAlive) return
      isOver = true
      act()
    }
    this.calls++
    this.at(this.nowUs + timeoutMs * 1_000, () => end(() => done(new Error('timeout'))))
    if (this.#random() < lost) return
    const carryOut = () => {
      if (this.nowUs < this.#frozenUntilUs) {
        this.at(this.#frozenUntilUs, carryOut)
        return
      }
      const model = this.models.get(call.bucket) ?? new LeaseModel(call.bucket)
      this.models.set(call.bucket, model)
      const atUs = this.nowUs
      const answer = model.call(call, atUs)
      if (this.#random() < lost) return
      this.at(atUs + this.delayUs(), () =>
        end(() => {
          // Who waited for it is decided by Redis, at its time; the answer may come when the tokens are no good any more.
          instance.late = this.nowUs < atUs + answer.validUs ? undefined : { id: call.id, atUs }
          done(undefined, answer)
          instance.late = undefined
        }),
      )
    }
    this.at(this.nowUs + this.delayUs(), carryOut)
  }
}

/** A process: a clock that is off, and goes too fast or too slow. */
export class Instance {
  readonly #world: World
  readonly #index: number
  readonly #aheadMs: number
  readonly #pace: number
  readonly store: LeasedStore
  isAlive = true
  /** The answer that comes just now, if it comes when what it grants is no good any more. */
  late: { id: number; atUs: number } | undefined
  #grantId: number | undefined

  constructor(world: World, index: number, instances: number, random: () => number) {
    this.#world = world
    this.#index = index
    this.#aheadMs = Math.floor(random() * 1e6)
    this.#pace = 1 + (random() - 0.5) * 8e-4
    this.store = new LeasedStore({
      instances,
      nowMs: () => this.#aheadMs + (world.nowUs / 1_000) * this.#pace,
      defer: (work) => world.at(world.nowUs + 300, () => this.isAlive && work()),
      ask: (call, done) => world.call(call, this, done),
      decide: () => {
        throw new Error('nothing here is without a lease')
      },
      decideWithout: () => 'closed',
    })
    const { holder } = this.store
    const wait = holder.wait.bind(holder)
    holder.wait = (holding, claim, done) =>
      wait(holding, claim, (outcome, grant) => {
        this.#grantId = grant?.id
        done(outcome, grant)
        this.#grantId = undefined
      })
    const pass = () => {
      if (!this.isAlive) return
      this.store.holder.pass()
      world.at(world.nowUs + 20_000, pass)
    }
    world.at(world.nowUs + 20_000, pass)
  }

  kill(): void {
    this.isAlive = false
  }

  request(buckets: Bucket[], limit: number, cost: number, done: (isAdmitted: boolean) => void = () => {}): void {
    if (!this.isAlive) return
    const claims = buckets.map((bucket) => this.#claim(bucket, limit, cost))
    this.store.decide(claims, (outcome) => {
      for (const { bucket, metUs } of outcome === 'met' ? claims : []) {
        const all = this.#world.admitted.get(bucket) ?? []
        this.#world.admitted.set(bucket, all)
        all.push({ atUs: metUs, cost, limit, instance: this.#index })
      }
      if (outcome === 'exceeded') this.#world.denied++
      done(outcome === 'met')
    })
  }

  /** One of several may have been met a while before the others. */
  #claim(bucket: Bucket, limit: number, cost: number): Claim & { metUs: number } {
    const claim = Object.assign(claimOn({ bucket, burst: limit, isShadow: false }, 'a', limit, cost), {
      metUs: Number.NaN,
    })
    let isMet = false
    Object.defineProperty(claim, 'isOk', {
      get: () => isMet,
      set: (isOk) => {
        isMet = isOk
        const { late } = this
        claim.metUs = late && late.id === this.#grantId ? late.atUs : this.#world.nowUs
      },
    })
    return claim
  }
}

/** Where more was admitted than the bound says, if anywhere: of the requests that have a limit of L or less, L in a window. */
export function excess(world: World, bucket: Bucket): string | undefined {
  const all = [...(world.admitted.get(bucket) ?? [])].sort((a, b) => a.atUs - b.atUs)
  for (const limit of new Set(all.map(({ limit }) => limit))) {
    const some = all.filter((each) => each.limit <= limit)
    const found = bucket.algorithm === 'fixed' ? ofFixed(world, bucket, some, limit) : ofSliding(bucket, some, limit)
    if (found) return found
  }
  return undefined
}

function ofFixed(world: World, bucket: Bucket, some: Admission[], limit: number): string | undefined {
  const used = new Map<number, number>()
  for (const { atUs, cost } of some) {
    const start = world.models.get(bucket)!.windows.findLast((startUs) => startUs <= atUs)
    if (start === undefined || atUs >= start + bucket.windowUs) return `admitted at ${atUs}, in no window`
    const sum = (used.get(start) ?? 0) + cost
    used.set(start, sum)
    if (sum > limit) return `${sum} of ${limit} in the window from ${start}`
  }
  return undefined
}

function ofSliding({ windowUs }: Bucket, some: Admission[], limit: number): string | undefined {
  let [sum, first] = [0, 0]
  for (const { atUs, cost } of some) {
    sum += cost
    while (some[first]!.atUs <= atUs - windowUs) sum -= some[first++]!.cost
    if (sum > limit) return `${sum} of ${limit} in the window to ${atUs}`
  }
  return undefined
}
