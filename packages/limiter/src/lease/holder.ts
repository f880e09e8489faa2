import type { Bucket } from '../stores/bucket.js'
import type { Claim } from '../stores/claim.js'
import { type AskLease, type LeaseAnswer, type LeaseCall, newLeaseId, notAsked } from './call.js'
import { type Grant, Holding } from './holding.js'
import { IdleHoldings } from './idle.js'
import type { LeaseSettings } from './options.js'
import { idleTokens, lowMs, wantedTokens } from './size.js'

/** met: `grant` has what it needs, and that is taken. denied: by Redis. failed: Redis has not answered. */
export type Taken = (outcome: 'met' | 'denied' | 'failed', grant?: Grant) => void

type Keyed = Pick<Claim, 'bucket' | 'key'>

interface Waiter {
  claim: Claim
  done: Taken
  /** The call that it is counted in. */
  call: LeaseCall | undefined
}

export interface HolderOptions {
  ask: AskLease
  /** How many processes share the limits. */
  instances: number
  nowMs(): number
  /** Does something at the end of this turn of the event loop, when all that has come meanwhile is known. */
  defer(work: () => void): void
}

/** Keys that are held at the same time, at most; others are decided in Redis. */
const mostHoldings = 100_000

/** What is remembered of a key, such as its rate, when nothing is held of it. */
const rememberedMs = 1_000

/** How often a key is looked at whose tokens may stay. */
const keptMs = 10_000

/** The tokens that a process has of all keys, and who waits for more. */
export class Holder {
  readonly #options: HolderOptions
  readonly #holdings: Map<string, Holding>[] = []
  readonly #waiters = new Map<Holding, Waiter[]>()
  readonly #idle: IdleHoldings
  #queue: Holding[] = []
  #isEnding = false
  size = 0
  /** Requests that had to wait for tokens; calls for more, and those that gave some back. */
  waits = 0
  refills = 0
  returns = 0

  constructor(options: HolderOptions) {
    this.#options = options
    this.#idle = new IdleHoldings(options.nowMs, (holding, nowMs) => this.#look(holding, nowMs))
  }

  find({ bucket, key }: Keyed): Holding | undefined {
    return this.get(bucket, key)
  }

  get(bucket: Bucket, key: string): Holding | undefined {
    return this.#holdings[bucket.index]?.get(key)
  }

  /** @returns undefined if there is no room for one more */
  open(claim: Claim): Holding | undefined {
    const known = this.find(claim)
    if (known || this.size >= mostHoldings) return known
    const { bucket, key } = claim
    const holding = new Holding(bucket, key)
    this.#holdings[bucket.index] ??= new Map()
    this.#holdings[bucket.index]!.set(key, holding)
    this.size++
    this.#idle.add(holding, this.#options.nowMs() + settingsOf(holding).returnAfterMs)
    return holding
  }

  /** Asks for tokens that nobody waits for yet, if there are few. */
  refill(holding: Holding, nowMs: number): void {
    if (!this.#isEnding && !holding.isQueued && holding.isLow(nowMs, lowMs(settingsOf(holding)))) this.#enqueue(holding)
  }

  /** Waits for tokens: one round trip, as each is counted in a call of this turn of the event loop. */
  wait(holding: Holding, claim: Claim, done: Taken): void {
    this.waits++
    const waiters = this.#waiters.get(holding) ?? []
    this.#waiters.set(holding, waiters)
    waiters.push({ claim, done, call: undefined })
    this.#enqueue(holding)
  }

  /** Forgets what is held of a key. */
  forget({ bucket, key }: Keyed): void {
    if (this.#holdings[bucket.index]?.delete(key)) this.size--
  }

  /** Gives back everything whose loss would matter, and from now on takes no more than requests need. */
  returnAll(): Promise<void> {
    this.#isEnding = true
    const all = this.#holdings.flatMap((holdings) => [...holdings.values()])
    const nowMs = this.#options.nowMs()
    const some = all.filter((holding) => holding.unspent(nowMs) > idleTokens(holding, this.#options.instances))
    return Promise.all(some.map((holding) => this.#return(holding, nowMs))).then(() => {})
  }

  /** Looks at what may have been left alone; by a timer of its own, else. */
  pass(): void {
    this.#idle.pass()
  }

  stop(): void {
    this.#idle.stop()
  }

  #enqueue(holding: Holding): void {
    if (holding.isQueued) return
    holding.isQueued = true
    this.#queue.push(holding)
    if (this.#queue.length === 1) this.#options.defer(() => this.#flush())
  }

  #flush(): void {
    const queue = this.#queue
    this.#queue = []
    for (const holding of queue) {
      holding.isQueued = false
      let waiting = this.#uncounted(holding)
      const nowMs = this.#options.nowMs()
      if (waiting.length === 0 && !this.#isEnding && holding.isLow(nowMs, lowMs(settingsOf(holding))))
        this.#call(holding, [])
      // A call has one limit.
      for (; waiting.length > 0; waiting = this.#uncounted(holding)) {
        const { limit } = waiting[0]!.claim
        this.#call(
          holding,
          waiting.filter(({ claim }) => claim.limit === limit),
        )
      }
    }
  }

  #uncounted(holding: Holding): Waiter[] {
    return (this.#waiters.get(holding) ?? []).filter(({ call }) => !call)
  }

  #call(holding: Holding, waiters: Waiter[]): void {
    const { nowMs: clock, ask, instances } = this.#options
    const nowMs = clock()
    const needs = waiters.map(({ claim }) => claim.need)
    holding.measure(nowMs)
    const want = this.#isEnding ? 0 : wantedTokens(holding, settingsOf(holding), instances)
    // What is held does not do for who waits, but may together with what is left.
    holding.end(nowMs, needs.length > 0)
    const call: LeaseCall = {
      id: newLeaseId(),
      bucket: holding.bucket,
      key: holding.key,
      limit: waiters[0]?.claim.limit ?? holding.limit,
      need: needs.reduce((sum, need) => sum + need, 0),
      least: needs.length > 0 ? Math.min(...needs) : 1,
      want,
      share: instances + 1,
      ended: holding.ended,
    }
    for (const waiter of waiters) waiter.call = call
    holding.size = call.need + want
    holding.calls++
    this.refills++
    ask(call, (error, answer) => this.#answered(holding, call, nowMs, error, answer))
  }

  #answered(holding: Holding, call: LeaseCall, sentMs: number, error: unknown, answer?: LeaseAnswer): void {
    holding.calls--
    if (!answer && error !== notAsked) {
      // It may be granted all the same, now or later.
      const untilMs = sentMs + (holding.bucket.windowUs / 1_000) * 1.05
      holding.ended = [...holding.ended, { id: call.id, unspent: -1, untilMs }]
    }
    const grant = answer && holding.note(call, answer, sentMs, settingsOf(holding))
    const waiters = this.#waiters.get(holding) ?? []
    const left: Waiter[] = []
    const ends: (() => void)[] = []
    for (const waiter of waiters) {
      const { claim, done } = waiter
      const isOwn = waiter.call === call
      const taken = isOwn && grant && grant.unspent >= claim.need ? takeOf(grant, holding, claim) : undefined
      if (taken) ends.push(() => done('met', taken))
      else if (isOwn) ends.push(() => done(error === undefined ? 'denied' : 'failed'))
      else left.push(waiter)
    }
    const nowMs = this.#options.nowMs()
    const still = left.filter(({ claim, done }) => {
      const taken = holding.take(claim.need, claim.limit, nowMs)
      if (taken) ends.push(() => done('met', taken))
      return !taken
    })
    if (still.length > 0) this.#waiters.set(holding, still)
    else this.#waiters.delete(holding)
    for (const end of ends) end()
    // Of a call that was under way when all was given back.
    if (this.#isEnding && holding.unspent(nowMs) > idleTokens(holding, this.#options.instances))
      void this.#return(holding, nowMs)
  }

  /** @returns when to look again; undefined: it is forgotten */
  #look(holding: Holding, nowMs: number): number | undefined {
    const { returnAfterMs } = settingsOf(holding)
    const dueMs = holding.lastMs + returnAfterMs
    if (this.find(holding) !== holding) return undefined
    if (nowMs < dueMs) return dueMs
    holding.end(nowMs)
    const overdue = holding.ended.reduce((sum, { unspent }) => sum + Math.abs(unspent), holding.unspent(nowMs))
    if (holding.calls > 0 || this.#waiters.has(holding)) return nowMs + returnAfterMs
    if (overdue > idleTokens(holding, this.#options.instances)) void this.#return(holding, nowMs)
    else if (overdue > 0) return nowMs + keptMs
    else if (nowMs >= holding.lastMs + rememberedMs && !holding.isDry(nowMs)) {
      this.forget(holding)
      return undefined
    }
    return nowMs + rememberedMs
  }

  #return(holding: Holding, nowMs: number): Promise<void> {
    holding.end(nowMs, true)
    const { bucket, key, limit, ended } = holding
    this.returns++
    return new Promise((resolve) => {
      const call = { id: 0, bucket, key, limit, need: 0, least: 1, want: 0, share: 1, ended }
      this.#options.ask(call, (_, answer) => {
        if (answer) holding.note(call, answer, nowMs, settingsOf(holding))
        resolve()
      })
    })
  }
}

/** Taken for the very requests that wait, whose time is that at which Redis has decided. */
function takeOf(grant: Grant, holding: Holding, { need }: Claim): Grant {
  grant.unspent -= need
  holding.spent += need
  return grant
}

const settingsOf = ({ bucket }: Holding): LeaseSettings => bucket.lease!
