import { close } from 'node:fs'
import { attempt, haveOthersEnded, type Operation, type Steps, settle, start } from './operation.js'

/** Steps that are under way, with an operation that was started. */
interface Run {
  steps: Steps
  operation: Operation | undefined
}

export interface RunnerEvents {
  onWritten(bytes: number): void
  /** The steps have come to their end, or to an error. */
  onEnd(error?: Error): void
}

/** Carries out steps, one run of them at a time: by other threads, or without giving up this one. */
export class Runner {
  /** Whether an operation is under way that did not end while it was waited for. */
  isHanging: boolean = false
  readonly #newSteps: () => Steps
  readonly #events: RunnerEvents
  #run: Run | undefined

  constructor(newSteps: () => Steps, events: RunnerEvents) {
    this.#newSteps = newSteps
    this.#events = events
  }

  get isRunning(): boolean {
    return this.#run !== undefined
  }

  /** Begins, unless it has begun; other threads carry out the operations. */
  begin(): void {
    if (this.#run) return
    this.#run = { steps: this.#newSteps(), operation: undefined }
    this.#step(this.#run)
  }

  /**
   * Runs to the end before it returns. Other threads carry out what a disk may hang on, and this one looks whether they have; at the
   * exit, or where the disk has answered before, only until it has answered once.
   * @returns false if an operation does not end within the time
   */
  finish(withinMs: number, { isExit, hasAnswered }: { isExit: boolean; hasAnswered: boolean }): boolean {
    const run = this.#run ?? { steps: this.#newSteps(), operation: undefined }
    this.#run = run
    let isStarted = run.operation !== undefined
    let isTrusted = hasAnswered
    let operation = run.operation ?? this.#advance(run)
    while (operation) {
      if (isStarted || (operation.look && !isTrusted)) {
        if (!isStarted) this.#start(run, operation)
        const known = this.isHanging ? operation.look?.() : settle(operation, withinMs)
        const settled = known ?? (isExit && haveOthersEnded() ? operation.look?.(true) : undefined)
        this.isHanging = settled === undefined
        if (!settled) return false
        isTrusted = isExit && operation.call !== 'stat'
        operation = this.#advance(run, settled.error, settled.result)
      } else {
        const { error, result } = attempt(operation)
        operation = this.#advance(run, error, result)
      }
      isStarted = false
    }
    return true
  }

  /** Goes on until the next operation, which another thread carries out. */
  #step(run: Run, error?: Error | null, result?: unknown): void {
    const operation = this.#advance(run, error, result)
    if (operation) this.#start(run, operation)
  }

  #start(run: Run, operation: Operation): void {
    start(operation, (failed, given) => {
      // It was not waited for: what follows has been done already.
      if (run.operation !== operation) {
        if (operation.call === 'open' && !failed) close(given as number, () => {})
        return
      }
      this.isHanging = false
      this.#step(run, failed, given)
    })
  }

  /** Hands over what came of the last operation; the next, unless all is done or has failed. */
  #advance(run: Run, error?: Error | null, result?: unknown): Operation | undefined {
    if (run.operation?.call === 'write' && !error) this.#events.onWritten(result as number)
    try {
      const next = error ? run.steps.throw(error) : run.steps.next(result)
      run.operation = next.done ? undefined : next.value
      if (!next.done) return next.value
      this.#run = undefined
      this.#events.onEnd()
    } catch (failed) {
      run.operation = undefined
      this.#run = undefined
      this.#events.onEnd(failed as Error)
    }
    return undefined
  }
}
