import t, { type Test } from 'tap'
import { answerTo } from '../src/answer.js'
import type { HealthCheck } from '../src/check.js'
import type { State } from '../src/lifecycle.js'
import { type HealthChange, HealthMonitor } from '../src/monitor.js'
import type { Status } from '../src/verdict.js'
import { FakeClock } from './fake-clock.js'

/** A running monitor on a clock of its own, what it has logged, and its change events. */
function start(t: Test, checks: Record<string, HealthCheck>, state: State = 'ready') {
  const clock = new FakeClock()
  const app = { state }
  const lines: string[] = []
  const write = (_: object, message: string) => void lines.push(message)
  const monitor = new HealthMonitor(() => app.state, clock, { info: write, warn: write })
  const changes: HealthChange[] = []
  monitor.on('change', (change) => changes.push(change))
  for (const [name, check] of Object.entries(checks)) monitor.add(name, check)
  monitor.start()
  t.teardown(() => monitor.stop())
  const ask = (probe: 'live' | 'ready' | 'startup') => {
    const request = { headers: {}, ip: '127.0.0.1', raw: { method: 'GET' } } as Parameters<typeof answerTo>[2]
    return answerTo(probe, monitor, request, () => 'status').code
  }
  return { clock, app, monitor, changes, lines, ask }
}

/** A check that gives these results, one a run, and the last for ever. */
function scripted(results: string, options: Partial<HealthCheck> = {}): HealthCheck & { runs: number } {
  const statuses: Record<string, Status> = { p: 'pass', w: 'warn', f: 'fail' }
  const check = {
    runs: 0,
    everyMs: 1_000,
    ...options,
    run: () => ({ status: statuses[results.charAt(Math.min(check.runs++, results.length - 1))] }),
  }
  const { runs: _, ...rest } = check
  return Object.defineProperty(rest as typeof check, 'runs', { get: () => check.runs, enumerable: false })
}

t.test('one failure in three does not make it fail, and flapping is one change each way', async (t) => {
  const { clock, monitor, changes, lines, ask } = start(t, { db: scripted('ppfppfppffpfpp', { passAfter: 2 }) })
  await clock.advance(0)
  for (let run = 0; run < 8; run++) {
    t.equal(ask('ready'), 200, `run ${run}`)
    await clock.advance(1_000)
  }
  t.same(changes, [], 'a single failure is no change')
  await clock.advance(1_000)
  t.equal(ask('ready'), 503, 'two in a row are')
  await clock.advance(3_000)
  t.equal(ask('ready'), 503, 'a single pass does not bring it back')
  await clock.advance(2_000)
  t.equal(ask('ready'), 200, 'two in a row do')
  const told = changes.map(({ check, from, to, status }) => [check, from, to, status].join(' '))
  t.same(told, ['db pass fail fail', 'db fail pass pass'])
  t.same(lines, ['health check "db": fail', 'health check "db" passes again'], 'and so in the log')
  t.equal(monitor.status().checks.db?.status, 'pass')
})

t.test('a run of worse or better results moves as far as all of them agree', async (t) => {
  const steps: [results: string, status: Status][] = [
    ['pwf', 'warn'],
    ['pfw', 'warn'],
    ['pff', 'fail'],
    ['pwfff', 'fail'],
    ['ffpw', 'warn'],
    ['ffpp', 'pass'],
    ['w', 'warn'],
    ['f', 'fail'],
    ['fp', 'pass'],
    ['ffp', 'fail'],
    ['fwp', 'warn'],
  ]
  for (const [results, status] of steps) {
    const check = scripted(results, { passAfter: 2 })
    const { clock, monitor } = start(t, { check })
    await clock.advance(1_000 * (results.length - 1))
    t.equal(monitor.status().checks.check?.status, status, results)
    t.equal(check.runs, results.length)
  }
})

t.test('a run that hangs is a failure at timeoutMs, and there is no second while it does', async (t) => {
  let runs = 0
  let settle = () => {}
  const signals: AbortSignal[] = []
  const hanging: HealthCheck = {
    everyMs: 500,
    timeoutMs: 200,
    failAfter: 1,
    run(signal) {
      runs++
      signals.push(signal)
      return new Promise<void>((resolve) => {
        settle = resolve
      })
    },
  }
  const { clock, monitor, changes, ask } = start(t, { hanging })
  await clock.advance(199)
  t.notOk(signals[0]?.aborted)
  t.equal(ask('ready'), 503, 'what has no result yet does not pass')
  t.equal(monitor.status().checks.hanging?.output, 'has not run yet')
  await clock.advance(1)
  t.match(monitor.status().checks.hanging, { status: 'fail', output: 'timeout', tookMs: 200 })
  t.equal(signals[0]?.reason.name, 'TimeoutError')

  await clock.advance(100_000)
  t.equal(runs, 1)
  t.ok(clock.timers <= 1, 'it leaves no timers behind')
  t.match(monitor.status().checks.hanging, { status: 'fail', output: /^timeout, and it has not settled/ })
  settle()
  await clock.advance(0)
  t.equal(ask('ready'), 503, 'what comes too late does not count')
  await clock.advance(300)
  t.equal(runs, 2)
  settle()
  await clock.advance(0)
  t.equal(ask('ready'), 200)
  t.equal(changes.length, 2)
  t.notOk(signals[1]?.aborted, 'the signal of a run in time never fires')
  monitor.stop()
  t.equal(clock.timers, 0)
})

t.test('a runner that stands still is a failure after maxStaleMs', async (t) => {
  const { clock, monitor, changes, ask } = start(t, { db: scripted('p', { maxStaleMs: 3_000 }) })
  await clock.advance(10_000)
  clock.freeze(3_000)
  t.equal(ask('ready'), 200)
  clock.freeze(1)
  t.equal(ask('ready'), 503)
  t.equal(ask('live'), 200)
  t.equal(monitor.status().checks.db?.output, 'the last result is 3001 ms old')
  t.match(changes, [{ check: 'db', to: 'fail', output: /3001 ms old/ }])
  await clock.advance(0)
  t.equal(ask('ready'), 200, 'and one pass ends it')
})

t.test('what is degraded warns, and what has not passed once has not started', async (t) => {
  const warming = scripted('fffp', { in: ['startup'], failAfter: 1 })
  const redis = scripted('pppppf', { kind: 'degraded', failAfter: 1 })
  const { clock, app, monitor, ask } = start(t, { warming, redis }, 'starting')
  await clock.advance(2_000)
  t.same([ask('live'), ask('ready'), ask('startup')], [200, 503, 503])
  app.state = 'ready'
  t.same([ask('live'), ask('ready'), ask('startup')], [200, 503, 503], 'not started: no traffic')
  await clock.advance(1_000)
  t.same([ask('live'), ask('ready'), ask('startup')], [200, 200, 200])
  t.equal(monitor.readiness, 'pass')
  await clock.advance(100_000)
  t.equal(warming.runs, 4, 'a check of the start alone rests once it has passed')
  t.equal(monitor.status().checks.warming?.status, 'pass')
  t.same([ask('ready'), monitor.readiness], [200, 'warn'])
  app.state = 'draining'
  t.same([ask('live'), ask('ready'), ask('startup')], [200, 503, 200])
})

t.test('whatever a check throws or returns, and a listener throws, breaks nothing', async (t) => {
  const hostile = {
    toString() {
      throw new Error('no')
    },
    get status() {
      throw new Error('a getter')
    },
  }
  const thrown: [unknown, RegExp][] = [
    [undefined, /undefined/],
    [null, /null/],
    ['text', /text/],
    [Symbol('s'), /Symbol/],
    [Object.create(null), /null prototype/],
    [new AggregateError([new Error('::1'), new Error('127.0.0.1')]), /::1, 127.0.0.1/],
    [new TypeError(), /TypeError/],
    [hostile, /./],
  ]
  const returned: [unknown, Status][] = [
    [undefined, 'pass'],
    [true, 'pass'],
    [false, 'fail'],
    [{ status: 'warn' }, 'warn'],
    [{ status: 500 }, 'pass'],
    [{ status: 'fail', output: 5n, observedValue: 1n }, 'fail'],
    [hostile, 'fail'],
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    [{ then: (_: unknown, reject: (error: string) => void) => reject('lost') }, 'fail'],
  ]
  const checks: Record<string, HealthCheck> = {}
  for (const [i, [error]] of thrown.entries()) {
    checks[`sync ${i}`] = {
      run: () => {
        throw error
      },
    }
    checks[`async ${i}`] = { run: () => Promise.reject(error) }
  }
  for (const [i, [value]] of returned.entries()) checks[`returns ${i}`] = { run: () => value }
  const { clock, monitor, lines } = start(t, checks)
  monitor.on('change', () => {
    throw new Error('a listener that fails')
  })
  monitor.on('change', async () => {
    throw new Error('another')
  })
  await clock.advance(2_000)
  const known = monitor.status().checks
  for (const [i, [, output]] of thrown.entries()) {
    t.match(known[`sync ${i}`], { status: 'fail', output })
    t.match(known[`async ${i}`], { status: 'fail', output })
  }
  for (const [i, [, status]] of returned.entries()) t.equal(known[`returns ${i}`]?.status, status)
  t.doesNotThrow(() => JSON.stringify(known))
  t.ok(lines.includes('a listener to health changes failed'))
})

t.test('listeners can be taken off, checks added while it runs, and closed once', async (t) => {
  let closed = 0
  const { clock, monitor, changes, ask } = start(t, {
    db: {
      run: () => {},
      close: () => {
        closed++
        throw new Error('no reason to stop the rest')
      },
    },
  })
  await clock.advance(0)
  const heard: HealthChange[] = []
  const listener = (change: HealthChange) => heard.push(change)
  monitor.on('change', listener).off('change', listener)
  monitor.add('later', scripted('f', { failAfter: 3 }))
  t.equal(ask('ready'), 503, 'fails until it has run')
  await clock.advance(1_999)
  t.equal(ask('ready'), 503)
  t.same(changes, [], 'what fails while the app boots is no news yet')
  await clock.advance(1)
  t.match(
    changes,
    [{ check: 'later', from: 'pass', to: 'fail', kind: 'critical' }],
    'and one that never passed is told',
  )
  t.same(heard, [])
  monitor.stop()
  monitor.stop()
  t.equal(closed, 1)
  clock.freeze(1_000_000)
  t.equal(monitor.status().checks.db?.status, 'pass', 'what is known at the end stays')
})
