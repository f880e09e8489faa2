import type { ResolvedCheck } from './check.js'
import type { Clock } from './clock.js'
import { failureOf, type Outcome, outcomeOf } from './outcome.js'
import { type Status, Verdict } from './verdict.js'

interface Run {
  controller: AbortController
  /** It has its result, or was given up; it may still hang. */
  isOver: boolean
  cancelTimeout(): void
}

/** Runs one check again and again, and knows what its results come to. */
export class CheckRunner {
  readonly name: string
  readonly check: ResolvedCheck
  /** It has passed once, which is all that the start asks for. */
  hasPassed = false
  /** How many runs have failed, one that hangs once each interval. */
  failures = 0
  /** The last result, its time, and how long its run took. */
  last: (Outcome & { time: number; tookMs: number }) | undefined
  /** Why it does not pass: the last result that was not a pass. */
  #reason: Outcome = { status: 'fail', output: 'has not run yet' }
  readonly #clock: Clock
  readonly #verdict: Verdict
  readonly #onChange: (runner: CheckRunner, from: Status, to: Status) => void
  readonly #onFirstPass: () => void
  #lastMs = 0
  #told: Status | undefined
  #run: Run | undefined
  #cancelNext: (() => void) | undefined
  #isStopped = false

  constructor(
    name: string,
    check: ResolvedCheck,
    clock: Clock,
    onChange: (runner: CheckRunner, from: Status, to: Status) => void,
    onFirstPass: () => void,
  ) {
    this.name = name
    this.check = check
    this.#clock = clock
    this.#verdict = new Verdict(check.failAfter, check.passAfter)
    this.#onChange = onChange
    this.#onFirstPass = onFirstPass
  }

  /** Runs it now, and from now on. */
  start(): void {
    if (!this.#isStopped && !this.#cancelNext) this.#next()
  }

  /** Lets go of a run under way. What is known stays. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#cancelNext?.()
    this.#run?.cancelTimeout()
    this.#run?.controller.abort(new Error('the app closes'))
    await this.check.close?.()
  }

  get isStale(): boolean {
    const isRunning = this.#cancelNext !== undefined && !this.#isStopped
    return isRunning && this.last !== undefined && this.#clock.nowMs() - this.#lastMs > this.check.maxStaleMs
  }

  /** As of now: what has no verdict yet, or a result that is too old, counts as a failure. */
  get status(): Status {
    const status = this.isStale ? 'fail' : this.#verdict.status
    if (status) this.#tell(status)
    return status ?? 'fail'
  }

  /** Why it does not pass. */
  get reason(): Outcome {
    if (!this.isStale) return this.#reason
    return { status: 'fail', output: `the last result is ${Math.round(this.#clock.nowMs() - this.#lastMs)} ms old` }
  }

  #next(): void {
    this.#cancelNext = this.#clock.after(this.check.everyMs, () => this.#next())
    if (!this.#run) this.#begin()
    else if (this.#run.isOver) this.#note({ status: 'fail', output: 'timeout, and it has not settled since' }, 0)
  }

  #begin(): void {
    const { timeoutMs } = this.check
    const controller = new AbortController()
    const startMs = this.#clock.nowMs()
    const cancelTimeout = this.#clock.after(timeoutMs, () => {
      end({ status: 'fail', output: 'timeout' })
      controller.abort(new DOMException(`no result within ${timeoutMs} ms`, 'TimeoutError'))
    })
    const run: Run = { controller, isOver: false, cancelTimeout }
    this.#run = run
    const end = (outcome: Outcome) => {
      if (run.isOver) return
      run.isOver = true
      cancelTimeout()
      this.#note(outcome, this.#clock.nowMs() - startMs)
    }
    new Promise((resolve) => resolve(this.check.run(controller.signal)))
      .then(outcomeOf)
      .catch(failureOf)
      .then((outcome) => {
        this.#run = undefined
        end(outcome)
      })
  }

  #note(outcome: Outcome, tookMs: number): void {
    if (this.#isStopped) return
    this.last = { ...outcome, time: Date.now(), tookMs }
    this.#lastMs = this.#clock.nowMs()
    this.#verdict.note(outcome.status)
    if (outcome.status !== 'pass') this.#reason = outcome
    if (outcome.status === 'fail') this.failures++
    else if (!this.hasPassed) {
      this.hasPassed = true
      this.#onFirstPass()
    }
    if (this.#verdict.status) this.#tell(this.#verdict.status)
    if (this.hasPassed && !this.check.in.includes('ready')) this.#rest()
  }

  /** The first pass is no news. */
  #tell(status: Status): void {
    const from = this.#told ?? 'pass'
    this.#told = status
    if (from !== status) this.#onChange(this, from, status)
  }

  #rest(): void {
    this.#cancelNext?.()
    this.#cancelNext = undefined
  }
}
