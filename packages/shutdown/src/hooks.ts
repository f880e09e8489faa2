import { DuplicateHookError, HookCycleError, UnknownAfterError } from './errors.js'
import { type DrainPhase, drainPhases } from './lifecycle.js'

/** What is called on the way out. The signal aborts when the budget is used up. */
export type HookFunction = (signal: AbortSignal) => unknown

export interface Hook {
  name: string
  phase: DrainPhase
  budgetMs: number
  /** Names of hooks that have ended, one way or another, before this one starts. */
  after: string[]
  run: HookFunction
}

/** The hooks of an app, and the order among them. */
export class Hooks {
  readonly #byName = new Map<string, Hook>()

  /** @throws ERR_SHUTDOWN_HOOK_DUPLICATE, ERR_SHUTDOWN_HOOK_CYCLE */
  add(hook: Hook): void {
    if (this.#byName.has(hook.name)) throw new DuplicateHookError(hook.name)
    this.#byName.set(hook.name, hook)
    const cycle = this.#wayBack(hook, hook.name, []) ?? this.#againstPhases()
    if (!cycle) return
    this.#byName.delete(hook.name)
    throw new HookCycleError(cycle.join(' → '))
  }

  /** @throws ERR_SHUTDOWN_HOOK_AFTER for a hook that is to come after one that nobody registered */
  checkNames(hooks: Iterable<Hook> = this.#byName.values()): void {
    for (const { name, after } of hooks) {
      const missing = after.find((other) => !this.#byName.has(other))
      if (missing !== undefined) throw new UnknownAfterError(name, missing)
    }
  }

  of(phase: DrainPhase): Hook[] {
    return [...this.#byName.values()].filter((hook) => hook.phase === phase)
  }

  all(): Hook[] {
    return [...this.#byName.values()]
  }

  /** How long a phase can take: its longest chain of budgets. */
  budgetMs(phase: DrainPhase): number {
    const untilEnd = (hook: Hook): number =>
      hook.budgetMs +
      Math.max(0, ...this.#before(hook).map((before) => (before.phase === phase ? untilEnd(before) : 0)))
    return Math.max(0, ...this.of(phase).map(untilEnd))
  }

  #before({ after }: Hook): Hook[] {
    return after.map((name) => this.#byName.get(name)).filter((hook) => hook !== undefined)
  }

  #wayBack(hook: Hook, to: string, way: string[]): string[] | undefined {
    const here = [...way, hook.name]
    if (hook.after.includes(to)) return [...here, to]
    for (const before of this.#before(hook)) {
      const found = here.includes(before.name) ? undefined : this.#wayBack(before, to, here)
      if (found) return found
    }
    return undefined
  }

  /** A hook can't come after one of a later phase, which itself comes after this one's. */
  #againstPhases(): string[] | undefined {
    for (const hook of this.#byName.values()) {
      const late = this.#before(hook).find(({ phase }) => drainPhases.indexOf(phase) > drainPhases.indexOf(hook.phase))
      if (late) return [`${hook.name} (${hook.phase})`, `${late.name} (${late.phase})`, hook.name]
    }
    return undefined
  }
}
