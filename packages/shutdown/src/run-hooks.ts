import { BudgetError } from './errors.js'
import type { Hook } from './hooks.js'
import { errorReport, type HookReport } from './report.js'

/**
 * Runs the hooks of one phase: all at once, but for what comes `after` another. Every one is run, whatever becomes of the
 * others, and a stuck one holds up those after it for its own budget alone. Resolves when the last has ended.
 */
export async function runHooks(hooks: Hook[], report: (ended: HookReport) => void): Promise<void> {
  const byName = new Map(hooks.map((hook) => [hook.name, hook]))
  const ends = new Map<string, Promise<void>>()
  const end = (hook: Hook): Promise<void> => {
    const known = ends.get(hook.name)
    if (known) return known
    const before = hook.after.map((name) => byName.get(name)).filter((other) => other !== undefined)
    const ended = Promise.all(before.map(end)).then(async () => report(await runHook(hook)))
    ends.set(hook.name, ended)
    return ended
  }
  await Promise.all(hooks.map(end))
}

async function runHook({ name, phase, budgetMs, run }: Hook): Promise<HookReport> {
  const startMs = performance.now()
  const budget = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const used = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => {
      budget.abort(new BudgetError(budgetMs))
      resolve('timeout')
    }, budgetMs)
  })
  const ended = (outcome: HookReport['outcome'], error?: unknown): HookReport => {
    const durationMs = Math.round(performance.now() - startMs)
    const hook = { name, phase, outcome, durationMs }
    return error === undefined ? hook : { ...hook, error: errorReport(error) }
  }
  try {
    const work = (async () => run(budget.signal))()
    const outcome = await Promise.race([work.then(() => 'done' as const), used])
    return ended(outcome, outcome === 'timeout' ? budget.signal.reason : undefined)
  } catch (error) {
    return ended('failed', error ?? new Error('rejected without a reason'))
  } finally {
    clearTimeout(timer)
  }
}
