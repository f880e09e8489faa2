import type { Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { Connections } from './connections.js'
import { DrainSignals } from './drain-signal.js'
import { DeadlineError } from './errors.js'
import type { HookFunction } from './hooks.js'
import { HttpDrain } from './http-drain.js'
import { drainPhases, move, type Shared, type State } from './lifecycle.js'
import { tellStopping } from './managers.js'
import { defaultBudgetMs, type HookOptions, type ResolvedOptions, resolveHook } from './options.js'
import { Phases } from './phases.js'
import { type ErrorReport, errorReport, type RequestReport, type ShutdownReport } from './report.js'
import { Routes } from './routes.js'
import { say } from './voice.js'
import { WebSockets } from './web-sockets.js'

/** What closes after the last connection was cut gets this long, where the cut is at the deadline itself. */
const tailMs = 50

/** A deadline that is missed by less was met. */
const lateMs = 500

/** The way out of one app, from the first notice to the report. */
export class Shutdown {
  readonly connections: Connections = new Connections()
  readonly webSockets: WebSockets = new WebSockets()
  readonly drainSignals: DrainSignals = new DrainSignals(this.connections)
  readonly routes: Routes
  readonly phases: Phases
  /** Its own servers: that of Fastify, and those that `localhost` and the like add. */
  readonly servers: Server[] = []
  /** Called when all is over. */
  onEnd: (() => void) | undefined
  readonly #app: FastifyInstance
  readonly #options: ResolvedOptions
  readonly #shared: Shared
  readonly #http: HttpDrain
  #reason: string | undefined
  #isByHand = true
  #beganMs = 0
  #delayMs = 0
  #isDeadlineReached = false
  #cut: RequestReport[] = []
  readonly #errors: ErrorReport[] = []
  readonly #timers: NodeJS.Timeout[] = []
  #begun: Promise<ShutdownReport> | undefined
  #closing: Promise<void> | undefined
  #cutting: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #armedMs = 0
  #skipDelay = () => {}
  #resolve: ((report: ShutdownReport) => void) | undefined
  readonly #report: Promise<ShutdownReport>

  constructor(app: FastifyInstance, shared: Shared, options: ResolvedOptions) {
    this.#app = app
    this.#shared = shared
    this.#options = options
    this.routes = new Routes(app)
    this.phases = new Phases(shared, defaultBudgetMs(options.deadlineMs))
    this.#http = new HttpDrain(this.connections, this.webSockets, options)
    this.#report = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get state(): State {
    return this.#shared.state
  }

  register(name: string, run: HookFunction, options: HookOptions): void {
    this.phases.add(resolveHook(name, run, options, this.#options.deadlineMs))
  }

  begin(reason = 'begin'): Promise<ShutdownReport> {
    this.#begun ??= this.#begin(reason)
    return this.#begun
  }

  async #begin(reason: string): Promise<ShutdownReport> {
    this.#isByHand = false
    const isClosing = this.#reason !== undefined
    this.#start(reason)
    tellStopping(this.#options.managers, (err) => say(this.#app.log, 'warn', { err }, 'systemd was not told'))
    if (!isClosing && this.#app.server.listening) await this.#delay()
    this.#arm()
    this.#app.close().then(
      () => this.#finish(),
      (error) => {
        this.note(error)
        this.#finish()
      },
    )
    return this.#report
  }

  /**
   * The first half of closing, before Fastify refuses requests: stops the consumers, drains HTTP, flushes. It is what
   * `app.close()` comes to first, however it was called.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The second half, once Fastify and what was registered later have closed. */
  async end(): Promise<void> {
    this.#ending ??= this.#end()
    await this.#ending
    if (this.#isByHand) this.#finish()
  }

  async #end(): Promise<void> {
    await this.phases.reach('connections')
    await this.phases.reach('logs')
  }

  /** The second half when there is just enough time left for it, though something that closes before hangs. */
  async #endAnyway(): Promise<void> {
    if (this.#ending) return
    this.#isDeadlineReached = true
    await this.end()
    this.#finish()
  }

  /** Has an error in the report. */
  note(error: unknown): void {
    this.#errors.push(errorReport(error))
  }

  #start(reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#beganMs = performance.now()
    const { delayMs, deadlineMs } = this.#options
    this.#app.log.info({ reason, delayMs, deadlineMs }, 'shutdown begins')
    this.connections.announceClose()
    this.#move('draining')
  }

  #delay(): Promise<void> {
    return new Promise((resolve) => {
      this.#skipDelay = resolve
      this.#timers.push(setTimeout(resolve, this.#options.delayMs))
    })
  }

  async #close(): Promise<void> {
    this.#start('close')
    this.#skipDelay()
    this.#delayMs = Math.round(performance.now() - this.#beganMs)
    const cut = this.#arm()
    await Promise.race([this.phases.reach('consumers'), cut])
    await this.#http.run(this.servers.filter(({ listening }) => listening))
    this.#move('closed')
    await this.phases.reach('flush')
  }

  #move(state: State): void {
    move(this.#shared, state, (err) => say(this.#app.log, 'error', { err }, `a listener failed: ${state}`))
  }

  /**
   * Sets the deadlines, which hold the process until they are met or no longer needed. What runs after HTTP has its budgets
   * kept free, up to half of the time, and so have the last phases when what closes before them hangs. Resolves at the cut.
   */
  #arm(): Promise<void> {
    this.#cutting ??= new Promise((resolve) => {
      const { deadlineMs } = this.#options
      this.#armedMs = performance.now()
      const afterMs = this.phases.budgetMs(drainPhases.slice(1))
      const keptMs = Math.min(afterMs, deadlineMs / 2)
      const lastMs = this.phases.budgetMs(['connections', 'logs']) * (keptMs / Math.max(1, afterMs))
      const cutMs = deadlineMs - keptMs
      const at = (ms: number, run: () => void) => this.#timers.push(setTimeout(run, ms))
      at(cutMs - Math.min(2_000, cutMs / 5), () => this.drainSignals.abort(new DeadlineError(deadlineMs)))
      at(cutMs, () => {
        this.#cutOff()
        resolve()
      })
      if (lastMs > 0) at(deadlineMs - lastMs, () => void this.#endAnyway())
      at(keptMs > 0 ? deadlineMs : deadlineMs + tailMs, () => {
        this.#isDeadlineReached = true
        this.#finish()
      })
    })
    return this.#cutting
  }

  #cutOff(): void {
    const inFlight = this.connections.inFlight()
    this.#http.cut()
    this.#cut = this.routes.report(inFlight)
    if (this.#cut.length > 0) this.#isDeadlineReached = true
  }

  #finish(): void {
    if (!this.#resolve) return
    for (const timer of this.#timers) clearTimeout(timer)
    this.#http.cut()
    this.phases.cut()
    this.#move('closed')
    const hooks = this.phases.reports
    // A timer can't tell while the event loop is blocked.
    if (performance.now() - this.#armedMs > this.#options.deadlineMs + lateMs) this.#isDeadlineReached = true
    const isClean =
      !this.#isDeadlineReached && this.#errors.length === 0 && hooks.every((hook) => hook.outcome === 'done')
    const report: ShutdownReport = {
      reason: this.#reason ?? 'close',
      clean: isClean,
      durationMs: Math.round(performance.now() - this.#beganMs),
      delayMs: this.#delayMs,
      deadlineReached: this.#isDeadlineReached,
      cut: this.#cut,
      hooks,
      connections: this.#http.counts,
      errors: this.#errors,
    }
    if (isClean) this.#app.log.info({ shutdown: report }, 'shutdown is done')
    else say(this.#app.log, 'error', { shutdown: report }, 'shutdown is done, but not clean')
    this.#tell(report)
    this.#resolve(report)
    this.#resolve = undefined
    this.onEnd?.()
  }

  /** It must not keep the process from its end, nor change how that goes: a promise is not waited for. */
  #tell(report: ShutdownReport): void {
    const failed = (err: unknown) => say(this.#app.log, 'error', { err }, 'onReport failed')
    try {
      const answer: unknown = this.#options.onReport?.(report)
      if (answer instanceof Promise) answer.catch(failed)
    } catch (err) {
      failed(err)
    }
  }
}
