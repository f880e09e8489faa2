import { LateHookError } from './errors.js'
import { type Hook, Hooks } from './hooks.js'
import { type DrainPhase, drainPhases, type Shared } from './lifecycle.js'
import type { HookReport } from './report.js'
import { runHooks } from './run-hooks.js'

/** Runs the phases of an app in their order: its hooks, and the work that other plugins left on `onDrain`. */
export class Phases {
  /** Of the hooks that have ended. */
  readonly reports: HookReport[] = []
  readonly #hooks = new Hooks()
  readonly #shared: Shared
  readonly #workBudgetMs: number
  readonly #begun = new Map<Hook, number>()
  #workCount = 0
  #hasBooted = false
  #reached = -1

  constructor(shared: Shared, workBudgetMs: number) {
    this.#shared = shared
    this.#workBudgetMs = workBudgetMs
    shared.runPhase = (phase) => this.#run(phase)
  }

  /** @throws ERR_SHUTDOWN_HOOK_LATE, ERR_SHUTDOWN_HOOK_DUPLICATE, ERR_SHUTDOWN_HOOK_CYCLE, ERR_SHUTDOWN_HOOK_AFTER */
  add(hook: Hook): void {
    if (['draining', 'closed'].includes(this.#shared.state)) throw new LateHookError(hook.name)
    if (this.#hasBooted) this.#hooks.checkNames([hook])
    this.#hooks.add(hook)
  }

  /** All are registered now. @throws ERR_SHUTDOWN_HOOK_AFTER */
  booted(): void {
    this.#hooks.checkNames()
    this.#hasBooted = true
  }

  /** How long these phases can take. */
  budgetMs(phases: readonly DrainPhase[]): number {
    const budgets = phases.map((phase) => {
      const workMs = this.#shared.onDrain[phase].length > 0 ? this.#workBudgetMs : 0
      return Math.max(this.#hooks.budgetMs(phase), workMs)
    })
    return budgets.reduce((sum, budget) => sum + budget, 0)
  }

  /** Runs a phase whose turn it is. */
  async reach(phase: DrainPhase): Promise<void> {
    this.#reached = Math.max(this.#reached, drainPhases.indexOf(phase))
    await this.#shared.runPhase?.(phase)
  }

  /** Reports what has not ended: nothing more is waited for. */
  cut(): void {
    const reported = new Set(this.reports.map(({ name }) => name))
    for (const hook of new Set([...this.#hooks.all(), ...this.#begun.keys()])) {
      if (reported.has(hook.name)) continue
      const begunMs = this.#begun.get(hook)
      const durationMs = begunMs === undefined ? 0 : Math.round(performance.now() - begunMs)
      this.reports.push({ name: hook.name, phase: hook.phase, outcome: 'cut', durationMs })
    }
  }

  /** Other plugins ask for a phase as they close, which may be before its turn: then it is for `reach`. */
  async #run(phase: DrainPhase): Promise<void> {
    if (drainPhases.indexOf(phase) > this.#reached) return
    const hooks = [...this.#hooks.of(phase), ...this.#work(phase)].filter((hook) => !this.#begun.has(hook))
    for (const hook of hooks) this.#begun.set(hook, performance.now())
    await runHooks(hooks, (ended) => this.reports.push(ended))
  }

  #work(phase: DrainPhase): Hook[] {
    return this.#shared.onDrain[phase].splice(0).map((run) => ({
      name: `onDrain ${++this.#workCount}`,
      phase,
      budgetMs: this.#workBudgetMs,
      after: [],
      run,
    }))
  }
}
