import Fastify from 'fastify'
import t from 'tap'
import shutdown, { type HookOptions, type ShutdownOptions } from '../src/index.js'
import { resolveOptions } from '../src/options.js'

const register = async (options: object) => {
  const app = Fastify()
  await app.register(shutdown, options as ShutdownOptions)
  return app
}

t.test('options out of range and unknown ones are refused at registration, with name and value', async (t) => {
  const refused: [options: object, message: RegExp][] = [
    [{ delayms: 5 }, /the option delayms is unknown; there are signals, .*, not 5/],
    [{ delayMs: -1 }, /the option delayMs must be a whole number of ms from 0 to 600000, not -1/],
    [{ delayMs: '5000' }, /the option delayMs must .*, not '5000'/],
    [{ delayMs: 0.5 }, /delayMs/],
    [{ delayMs: Number.NaN }, /delayMs .* NaN/],
    [{ deadlineMs: 0 }, /deadlineMs must be a whole number of ms from 10 to 3600000, not 0/],
    [{ deadlineMs: Infinity }, /deadlineMs/],
    [{ deadlineMs: null }, /deadlineMs .* null/],
    [{ idleSweepMs: 9 }, /idleSweepMs/],
    [{ preRequestGraceMs: 1_001, deadlineMs: 1_000 }, /preRequestGraceMs must be .* from 0 to 1000, not 1001/],
    [{ secondSignal: 'kill' }, /secondSignal must be 'force' or 'ignore', not 'kill'/],
    [{ onUncaught: 'log' }, /onUncaught must be 'drain' or 'exit'/],
    [{ onRejection: true }, /onRejection must be 'drain' or 'log'/],
    [{ signals: ['SIGTREM'] }, /signals must be false or a list of signals that can be caught, not \[ 'SIGTREM' \]/],
    [{ signals: ['SIGKILL'] }, /signals .*SIGKILL/],
    [{ signals: [] }, /signals .*\[\]/],
    [{ signals: true }, /signals .* true/],
    [{ managers: ['pm3'] }, /managers must be a list of pm2, cluster, systemd, not \[ 'pm3' \]/],
    [{ managers: 'pm2' }, /managers/],
    [{ onReport: 'log' }, /onReport must be a function/],
  ]
  for (const [options, message] of refused) {
    await t.rejects(register(options), { code: 'ERR_SHUTDOWN_OPTION', message })
  }
})

t.test('what is not given has its default', async (t) => {
  const production = { env: { NODE_ENV: 'production' }, isTerminal: false }
  t.match(resolveOptions({}, production), {
    signals: ['SIGTERM', 'SIGINT'],
    delayMs: 5_000,
    deadlineMs: 25_000,
    idleSweepMs: 100,
    preRequestGraceMs: 1_000,
    secondSignal: 'force',
    onUncaught: 'drain',
    onRejection: 'drain',
    managers: [],
    onReport: undefined,
    terminationGraceMs: undefined,
  })
  t.equal(resolveOptions({ delayMs: 'auto' }, production).delayMs, 5_000)
  t.equal(resolveOptions({ delayMs: 'auto' }, { ...production, isTerminal: true }).delayMs, 0, 'on a terminal')
  t.equal(resolveOptions({}, { env: {}, isTerminal: false }).delayMs, 0, 'outside production')
  t.equal(resolveOptions({ delayMs: 7 }, { env: {}, isTerminal: true }).delayMs, 7)
  t.same(resolveOptions({ signals: false }).signals, [])
  t.same(resolveOptions({ signals: ['SIGHUP', 'SIGHUP'] }).signals, ['SIGHUP'])
  t.equal(resolveOptions({ deadlineMs: 500 }).preRequestGraceMs, 500)
  t.equal(resolveOptions({}, { env: { TERMINATION_GRACE_MS: '30000' }, isTerminal: false }).terminationGraceMs, 30_000)
  const wrong = { env: { TERMINATION_GRACE_MS: '30s' }, isTerminal: false }
  t.throws(() => resolveOptions({}, wrong), { code: 'ERR_SHUTDOWN_OPTION', message: /TERMINATION_GRACE_MS.*'30s'/ })
})

t.test('hooks that can’t be registered are refused, with name and value', async (t) => {
  const app = await register({ deadlineMs: 1_000 })
  const add = (name: unknown, run: unknown, options: unknown) => () =>
    app.shutdown.register(name as string, run as () => void, options as HookOptions)
  const run = () => {}
  const phase = 'flush'
  const refused: [name: unknown, run: unknown, options: unknown, message: RegExp][] = [
    ['', run, { phase }, /must have a name, not ''/],
    [7, run, { phase }, /must have a name, not 7/],
    ['a', 'run', { phase }, /'a' must be a function, not 'run'/],
    ['a', run, undefined, /'a' must have options, not undefined/],
    ['a', run, {}, /'a' must have a phase: consumers, flush, connections, logs, not undefined/],
    ['a', run, { phase: 'flsh' }, /must have a phase: .*, not 'flsh'/],
    ['a', run, { phase, budget: 1 }, /has an unknown option budget; there are phase, budgetMs, after/],
    ['a', run, { phase, budgetMs: 0 }, /budgetMs that is a whole number from 1 to deadlineMs, 1000, not 0/],
    ['a', run, { phase, budgetMs: 1_001 }, /budgetMs .* not 1001/],
    ['a', run, { phase, after: 'b' }, /must have a list of names as after, not 'b'/],
  ]
  for (const [name, fn, options, message] of refused) {
    t.throws(add(name, fn, options), { code: 'ERR_SHUTDOWN_HOOK', message })
  }
  add('a', run, { phase, after: ['b'] })()
  t.throws(add('a', run, { phase }), { code: 'ERR_SHUTDOWN_HOOK_DUPLICATE' })
  t.throws(add('b', run, { phase, after: ['a'] }), { code: 'ERR_SHUTDOWN_HOOK_CYCLE' })
  await t.rejects(async () => void (await app.ready()), {
    code: 'ERR_SHUTDOWN_HOOK_AFTER',
    message: /a comes after b, which is not registered/,
  })
})

t.test(
  'once the app is ready a hook is checked as it comes; once the shutdown has begun it comes too late',
  async (t) => {
    const app = await register({})
    await app.ready()
    app.shutdown.register('a', () => {}, { phase: 'logs' })
    const missing = () => app.shutdown.register('b', () => {}, { phase: 'logs', after: ['c'] })
    t.throws(missing, { code: 'ERR_SHUTDOWN_HOOK_AFTER' })
    const closing = app.shutdown.begin()
    t.throws(() => app.shutdown.register('d', () => {}, { phase: 'logs' }), { code: 'ERR_SHUTDOWN_HOOK_LATE' })
    const { reason, clean, hooks } = await closing
    t.match({ reason, clean, hooks }, { reason: 'begin', clean: true, hooks: [{ name: 'a', outcome: 'done' }] })
    t.equal(hooks.length, 1, 'what was refused did not run')
  },
)
