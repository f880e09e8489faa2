import { type HealthCheck, resolveCheck } from './check.js'
import type { Clock } from './clock.js'
import { DuplicateCheckError } from './errors.js'
import type { State } from './lifecycle.js'
import { type Log, warnOf } from './log.js'
import { refuse, take, text } from './rules.js'
import { CheckRunner } from './runner.js'
import { type CheckStatus, type HealthStatus, statusOf } from './status.js'
import type { Status } from './verdict.js'

/** A check that came to another status. */
export interface HealthChange {
  check: string
  kind: 'critical' | 'degraded'
  from: Status
  to: Status
  /** Why, where `to` is not `pass`. */
  output?: string
  /** The status of the whole, after the change. */
  status: Status
}

/** `app.health` */
export interface Health {
  /**
   * Adds a check. Before the app is ready it first runs then; later it runs at once, and counts as failing until it has.
   * @throws ERR_HEALTH_DUPLICATE_CHECK
   * @throws ERR_HEALTH_OPTION
   * @throws ERR_HEALTH_UNKNOWN_OPTION
   */
  add(name: string, check: HealthCheck): this
  /** What the details show, from the last results. */
  status(): HealthStatus
  /** Hears of every check that changes its status, once for each change. A first pass is none. */
  on(event: 'change', listener: (change: HealthChange) => void): this
  off(event: 'change', listener: (change: HealthChange) => void): this
}

/** All checks of an app, and what they and the app's own state come to. It knows nothing of HTTP. */
export class HealthMonitor implements Health {
  readonly #runners = new Map<string, CheckRunner>()
  readonly #listeners = new Set<(change: HealthChange) => unknown>()
  readonly #state: () => State
  readonly #clock: Clock
  readonly #log: Log
  #isRunning = false
  #isStarted = false

  constructor(state: () => State, clock: Clock, log: Log) {
    this.#state = state
    this.#clock = clock
    this.#log = log
  }

  get runners(): Iterable<CheckRunner> {
    return this.#runners.values()
  }

  add(name: string, check: HealthCheck): this {
    take('the name of a check', name ?? '', text)
    if (this.#runners.has(name)) throw new DuplicateCheckError(name)
    const runner = new CheckRunner(name, resolveCheck(name, check), this.#clock, this.#changed, this.look)
    this.#runners.set(name, runner)
    if (this.#isRunning) runner.start()
    return this
  }

  on(event: 'change', listener: (change: HealthChange) => void): this {
    if (event !== 'change') refuse('the event', "'change'", event)
    this.#listeners.add(listener)
    return this
  }

  off(event: 'change', listener: (change: HealthChange) => void): this {
    if (event === 'change') this.#listeners.delete(listener)
    return this
  }

  start(): void {
    this.#isRunning = true
    for (const runner of this.runners) runner.start()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    const failed = (name: string) => (error: unknown) =>
      warnOf(this.#log, error, `health check "${name}" could not be closed`)
    await Promise.all([...this.runners].map((runner) => runner.stop().catch(failed(runner.name))))
  }

  /** Looks whether the app has started by now, so that it stays so even where nobody asks before a check is added. */
  look = (): void => void this.isStarted

  /** Whether the app has been ready, and every check of the start has passed once. It stays so. */
  get isStarted(): boolean {
    this.#isStarted ||=
      this.#state() === 'ready' &&
      [...this.#runners.values()].every(({ check, hasPassed }) => hasPassed || !check.in.includes('startup'))
    return this.#isStarted
  }

  /** Whether traffic can be served: `fail` is no, `warn` is yes, but look after it. */
  get readiness(): Status {
    if (this.#state() !== 'ready' || !this.isStarted) return 'fail'
    let readiness: Status = 'pass'
    for (const { check, status } of this.#runners.values()) {
      if (status === 'pass' || !check.in.includes('ready')) continue
      if (status === 'fail' && check.kind === 'critical') return 'fail'
      readiness = 'warn'
    }
    return readiness
  }

  status(): HealthStatus {
    const checks: [string, CheckStatus][] = []
    for (const runner of this.runners) checks.push([runner.name, statusOf(runner)])
    return {
      status: this.readiness,
      state: this.#state(),
      isStarted: this.isStarted,
      checks: Object.fromEntries(checks),
    }
  }

  #changed = (runner: CheckRunner, from: Status, to: Status): void => {
    const { name, check } = runner
    const { output, ...thrown } = runner.reason
    const message = `health check "${name}": ${to}${output ? `, ${output}` : ''}`
    if (to === 'pass') this.#log.info({ check: name }, `health check "${name}" passes again`)
    else if ('error' in thrown) warnOf(this.#log, thrown.error, message, { check: name })
    else this.#log.warn({ check: name }, message)
    const change: HealthChange = {
      check: name,
      kind: check.kind,
      from,
      to,
      ...(to !== 'pass' && output !== undefined && { output }),
      status: this.readiness,
    }
    const failed = (error: unknown) => warnOf(this.#log, error, 'a listener to health changes failed')
    for (const listener of this.#listeners) (async () => listener(change))().catch(failed)
  }
}
