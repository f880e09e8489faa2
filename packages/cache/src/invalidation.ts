import type { Acknowledgements } from './acknowledgements.js'
import type { Core } from './core.js'
import { ClosedError, UnconfirmedError } from './errors.js'
import type { RedisNames } from './keys.js'
import type { L2 } from './l2.js'
import { mostStamps } from './stamps.js'

/** How an invalidation, or a write, went. */
export interface Outcome {
  /** Redis did not answer: it is told once it does, if this process lives until then. */
  pending: boolean
}

export interface InvalidateOptions {
  /** Resolves only when no live instance serves the old value any more. Default false. */
  confirm?: boolean
}

interface What {
  keys: readonly string[]
  stamps: readonly string[]
}

/** Tells Redis and everybody else what is invalid. */
export class Invalidation {
  readonly #core: Core
  readonly #names: RedisNames
  readonly #acknowledgements: Acknowledgements

  constructor(core: Core, names: RedisNames, acknowledgements: Acknowledgements) {
    this.#core = core
    this.#names = names
    this.#acknowledgements = acknowledgements
  }

  /** @throws ERR_CACHE_UNCONFIRMED */
  async invalidate({ keys, stamps: names }: What, confirm: boolean, label: () => string): Promise<Outcome> {
    const { core } = this
    if (core.closing.signal.aborted) throw new ClosedError()
    for (const key of keys) this.forget(key)
    if (names.length > 0) {
      core.stamps.hold(names)
      core.flights.voidStamps(names)
      core.failures.clear()
    }
    if (!core.l2) {
      core.stamps.raise(names, core.nextNumber())
      core.stamps.release(names)
      return { pending: false }
    }
    const wait = confirm ? this.#acknowledgements.begin() : undefined
    let told: { number: number; instances: Map<string, number> }
    try {
      await this.#whileReadsWait(keys, keys.length > 0 ? core.l2.delete([...keys]) : Promise.resolve())
      told = await this.tell(keys, names, confirm)
    } catch (error) {
      wait?.end()
      this.#postpone(keys, names)
      if (confirm) throw new UnconfirmedError(label(), `${(error as Error)?.message ?? error}`)
      return { pending: true }
    }
    core.stamps.release(names)
    await wait?.of(told.number, told.instances)
    return { pending: false }
  }

  /** Writes what is given under the keys; memory has it once others have been told. */
  async write(keys: readonly string[], write: (l2: L2) => Promise<unknown>): Promise<Outcome> {
    const { core } = this
    try {
      if (!core.sync!.hasClock) throw new Error('Redis has not answered yet')
      await this.#whileReadsWait(keys, write(core.l2!))
      if (core.isTelling) await this.tell(keys, [], false)
      return { pending: false }
    } catch {
      // Whether it was written is not known, and it may still be, later: so it is taken away then.
      this.#postpone(keys, [])
      return { pending: true }
    }
  }

  /** What this instance has or loads of a key. */
  forget(key: string): void {
    const { memory, flights, failures } = this.#core
    memory?.delete(key)
    flights.voidKey(key)
    failures.delete(key)
  }

  /** Once Redis answers again. */
  async replay(): Promise<void> {
    const { core } = this
    const told = await core.pending.replay(async (keys, stamps) => {
      for (let i = 0; i < keys.length; i += 1_000) {
        const some = keys.slice(i, i + 1_000)
        await core.l2!.delete(some)
        await this.tell(some, [], false)
      }
      if (stamps.length > 0) await this.tell([], stamps, false)
    })
    if (told.length > 0) core.stamps.release(told)
  }

  get core(): Core {
    return this.#core
  }

  /** Gives it a number; and if it is to be confirmed, who may answer from memory without having heard of it, and for how long. */
  async tell(
    keys: readonly string[],
    names: readonly string[],
    confirm: boolean,
  ): Promise<{ number: number; instances: Map<string, number> }> {
    const { core } = this
    if (!core.isTelling && names.length === 0) return { number: 0, instances: new Map() }
    const items = JSON.stringify([...keys.map((key) => `k${key}`), ...names])
    const [number, ...live] = await core.l2!.invalidate([
      core.knownNumber(),
      this.#names.channel,
      JSON.stringify(core.instance),
      confirm ? 1 : 0,
      items,
      mostStamps,
      ...names,
    ])
    if (core.sync) core.sync.knownNumber = Math.max(core.sync.knownNumber, Number(number))
    if (names.length > 0) core.stamps.raise(names, Number(number))
    const instances = new Map<string, number>()
    for (let i = 0; i < live.length; i += 2) if (live[i] !== core.instance) instances.set(live[i]!, Number(live[i + 1]))
    return { number: Number(number), instances }
  }

  async #whileReadsWait(keys: readonly string[], work: Promise<unknown>): Promise<void> {
    const { deleting } = this.#core
    const settled = work.catch(() => {})
    for (const key of keys) deleting.set(key, settled)
    try {
      await work
    } finally {
      for (const key of keys) if (deleting.get(key) === settled) deleting.delete(key)
    }
  }

  #postpone(keys: readonly string[], names: readonly string[]): void {
    const { pending, stamps } = this.#core
    const added = pending.add(keys, names)
    // Those that were pending already are held by who came first; the floor is, where there are too many keys.
    stamps.hold(added.filter((name) => !names.includes(name)))
    stamps.release(names.filter((name) => !added.includes(name)))
  }
}
