import { mock } from 'node:test'
import t from 'tap'
import { type Hook, Hooks } from '../src/hooks.js'
import type { DrainPhase } from '../src/lifecycle.js'
import type { HookReport } from '../src/report.js'
import { runHooks } from '../src/run-hooks.js'

function hook(name: string, after: string[] = [], rest: Partial<Hook> = {}): Hook {
  return { name, after, phase: 'flush', budgetMs: 100, run: () => {}, ...rest }
}

/** Lets everything run that waits for no timer. */
const settle = () => new Promise(setImmediate)

t.test('hooks run side by side, but for those that come after others', async (t) => {
  const order: string[] = []
  const step = (name: string) => async () => {
    order.push(`${name} begins`)
    await settle()
    order.push(`${name} ends`)
  }
  const hooks = [hook('c', ['a', 'b']), hook('a'), hook('b'), hook('d', ['c'])].map((one) => ({
    ...one,
    run: step(one.name),
  }))
  await runHooks(hooks, () => {})
  t.same(order, ['a begins', 'b begins', 'a ends', 'b ends', 'c begins', 'c ends', 'd begins', 'd ends'])
})

t.test('a stuck hook loses its own budget, and a failing one keeps nobody from running', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const reports: HookReport[] = []
  const ran: string[] = []
  let signal: AbortSignal | undefined
  const stuck = hook('stuck', [], {
    budgetMs: 1_000,
    run: (given) => {
      signal = given
      return new Promise(() => {})
    },
  })
  const failing = hook('failing', [], {
    run: () => {
      throw Object.assign(new Error('no'), { code: 'E_NO' })
    },
  })
  const others = [hook('other'), hook('after stuck', ['stuck']), hook('after failing', ['failing'])]
  const all = [stuck, failing, ...others.map((one) => ({ ...one, run: () => void ran.push(one.name) }))]
  const end = runHooks(all, (report) => reports.push(report))
  await settle()
  t.same(ran, ['other', 'after failing'])
  mock.timers.tick(999)
  await settle()
  t.notOk(signal?.aborted)
  t.same(ran, ['other', 'after failing'])
  mock.timers.tick(1)
  await end
  t.equal(signal?.reason.code, 'ERR_SHUTDOWN_BUDGET')
  t.same(ran, ['other', 'after failing', 'after stuck'])
  t.match(Object.fromEntries(reports.map(({ name, outcome, error }) => [name, [outcome, error?.code]])), {
    other: ['done', undefined],
    stuck: ['timeout', 'ERR_SHUTDOWN_BUDGET'],
    failing: ['failed', 'E_NO'],
    'after stuck': ['done', undefined],
    'after failing': ['done', undefined],
  })
})

t.test('a hook that fails after its budget is no unhandled rejection', async (t) => {
  let fail = (_error: Error) => {}
  const late = hook('late', [], { budgetMs: 1, run: () => new Promise((_resolve, reject) => (fail = reject)) })
  const reports: HookReport[] = []
  await runHooks([late], (report) => reports.push(report))
  fail(new Error('too late'))
  await settle()
  t.match(reports, [{ outcome: 'timeout' }])
})

t.test('duplicates, cycles, and phases against their order', async (t) => {
  const hooks = new Hooks()
  hooks.add(hook('a', ['b']))
  t.throws(() => hooks.add(hook('a')), { code: 'ERR_SHUTDOWN_HOOK_DUPLICATE', message: /named a already/ })
  t.throws(() => hooks.add(hook('self', ['self'])), { code: 'ERR_SHUTDOWN_HOOK_CYCLE', message: /self → self/ })
  t.throws(() => hooks.add(hook('b', ['a'])), { code: 'ERR_SHUTDOWN_HOOK_CYCLE', message: /b → a → b/ })
  hooks.add(hook('b', ['c']))
  t.throws(() => hooks.add(hook('c', ['a'])), { code: 'ERR_SHUTDOWN_HOOK_CYCLE', message: /c → a → b → c/ })
  const late = { code: 'ERR_SHUTDOWN_HOOK_CYCLE', message: /b \(flush\) → c \(logs\)/ }
  t.throws(() => hooks.add(hook('c', [], { phase: 'logs' })), late)
  t.throws(() => hooks.checkNames(), { code: 'ERR_SHUTDOWN_HOOK_AFTER', message: /b comes after c, which is not/ })
  hooks.add(hook('c', [], { phase: 'consumers' }))
  hooks.checkNames()
  t.same(
    hooks.of('flush').map(({ name }) => name),
    ['a', 'b'],
  )
})

t.test('a phase takes as long as its longest chain of budgets', async (t) => {
  const hooks = new Hooks()
  const add = (name: string, budgetMs: number, after: string[], phase: DrainPhase) =>
    hooks.add(hook(name, after, { budgetMs, phase }))
  t.equal(hooks.budgetMs('flush'), 0)
  add('a', 100, [], 'flush')
  add('b', 250, [], 'flush')
  t.equal(hooks.budgetMs('flush'), 250)
  add('c', 200, ['a'], 'flush')
  t.equal(hooks.budgetMs('flush'), 300)
  add('d', 10, ['c', 'b'], 'flush')
  t.equal(hooks.budgetMs('flush'), 310)
  add('e', 50, ['d'], 'logs')
  t.equal(hooks.budgetMs('logs'), 50)
})
