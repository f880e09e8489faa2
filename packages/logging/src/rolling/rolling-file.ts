import { ActiveFile } from './active-file.js'
import { Chunks, countLines } from './chunks.js'
import { heartbeatMs } from './claim.js'
import { longestMs } from './clock.js'
import { beforeExit, noLongerBeforeExit } from './exits.js'
import { Names } from './names.js'
import { haveOthersEnded, isBusy, pause, runThrough } from './operation.js'
import type { RollingOptions } from './options.js'
import { Runner } from './runner.js'
import { say } from './say.js'
import { Upkeep } from './upkeep.js'

/** What is known of a rolling file. */
export interface RollingStats {
  /** The file that is written to. */
  path: string
  writtenBytes: number
  /** Lines that are in no file, since the disk was full or hung for too long. */
  droppedLines: number
  /** What is logged and not yet written. */
  bufferedBytes: number
  rolls: number
  /** Why nothing can be written now; undefined while all is well. */
  failure: string | undefined
}

/** How long a failure is left alone before the next try. */
const retryMs = 1_000

/** How long an operation that another thread carries out is waited for: at the end of the process, and while requests wait. */
const patienceMs = { exit: 1_000, serving: 100 }

/** Writes lines into files that roll. Lines are whole and in order, and no caller waits for the disk. */
export class RollingFile {
  readonly #options: RollingOptions
  readonly #chunks = new Chunks()
  readonly #file: ActiveFile
  readonly #upkeep: Upkeep | undefined
  readonly #runner: Runner
  /** What was put in when it was last asked for, all of which is to be written. */
  #wanted = 0
  #cancelFlush: (() => void) | undefined
  #cancelTurn: (() => void) | undefined
  #cancelBeat: (() => void) | undefined
  #failure: Error | undefined
  #retryAtMs = 0
  #isUnheard = false
  #isClosed = false
  #writtenBytes = 0
  #dropped = 0
  #untold = 0
  #rolls = 0
  #waiting: ((error?: Error) => void)[] = []

  constructor(options: RollingOptions) {
    this.#options = options
    const names = new Names(options.path, options.dateFormat, options.utc)
    this.#file = new ActiveFile(options, names)
    const drain = () => this.#file.drain(this.#chunks, () => this.#chunks.taken < this.#wanted)
    this.#runner = new Runner(drain, {
      onWritten: (bytes) => {
        this.#writtenBytes += bytes
      },
      onEnd: (error) => (error ? this.#fail(error) : this.#succeed()),
    })
    this.#open()
    if (this.#file.isRegular) this.#upkeep = new Upkeep(options, names, this.#file)
    this.#upkeep?.run()
    this.#file.onRoll = () => {
      this.#rolls++
      this.#upkeep?.run()
    }
    beforeExit(this.#writeLast)
    this.#awaitTurn()
    this.#beat()
  }

  write(line: string, isAscii = false): void {
    if (this.#isClosed || (this.#chunks.bytes + line.length > this.#options.maxBufferBytes && !this.#relieve())) {
      this.#drop(1)
      return
    }
    this.#chunks.push(line, isAscii)
    if (this.#chunks.isChunkFull && !this.#runner.isRunning) this.#drain()
    // Half of the time is for the write itself.
    this.#cancelFlush ??= this.#options.clock.after(this.#options.flushMs / 2, this.#flushOnTime)
  }

  /** Calls back once all that was written is in the file, or can't be. */
  flush(done: (error?: Error) => void = () => {}): void {
    this.#waiting.push(done)
    this.#wanted = this.#chunks.pushed
    this.#retryAtMs = 0
    this.#drain()
  }

  /** Writes all there is before it returns, unless the disk hangs; pino calls it for fatal lines. */
  flushSync(): void {
    this.#writeAll(patienceMs.serving)
  }

  stats(): RollingStats {
    return {
      path: this.#file.path,
      writtenBytes: this.#writtenBytes,
      droppedLines: this.#dropped,
      bufferedBytes: this.#chunks.bytes,
      rolls: this.#rolls,
      failure: this.#runner.isHanging ? 'the disk does not answer' : this.#failure?.message,
    }
  }

  /** Writes what is left, and gives the file free. Files that are being compressed are left for the next start. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    await new Promise<void>((resolve) => this.flush(() => resolve()))
    this.#isClosed = true
    for (const cancel of [this.#cancelFlush, this.#cancelTurn, this.#cancelBeat]) cancel?.()
    noLongerBeforeExit(this.#writeLast)
    await this.#upkeep?.stop()
    this.#file.close()
  }

  #flushOnTime = (): void => {
    this.#cancelFlush = undefined
    this.#wanted = this.#chunks.pushed
    this.#drain()
  }

  #drain(): void {
    if (this.#isClosed || this.#runner.isRunning) return
    if (this.#failure && this.#options.clock.nowMs() < this.#retryAtMs) {
      this.#hold()
      return
    }
    if (!this.#file.isRegular) {
      this.#writeAll(0)
      return
    }
    this.#runner.begin()
  }

  /** Writes everything without giving up the thread. False if the disk does not answer. */
  #writeAll(withinMs: number, isExit = false): boolean {
    this.#wanted = this.#chunks.pushed
    return this.#runner.finish(withinMs, { isExit, hasAnswered: this.#failure !== undefined })
  }

  #succeed(): void {
    this.#failure = undefined
    this.#awaitTurn()
    if (this.#untold > 0) {
      const dropped = this.#untold
      this.#untold = 0
      this.#options.onResume(dropped)
    }
    this.#answer()
  }

  #fail(error: Error): void {
    this.#mend()
    const isFirst = !this.#failure
    this.#failure = error
    this.#retryAtMs = this.#options.clock.nowMs() + (isBusy(error) ? this.#options.flushMs : retryMs)
    const { onDiskFull } = this.#options
    const next = onDiskFull === 'stderr' ? 'standard error' : `memory, up to ${this.#options.maxBufferBytes} bytes`
    if (isFirst && !isBusy(error))
      say(`logging: can't write to ${this.#file.path}: ${error.message}; lines go to ${next}\n`)
    this.#hold()
    this.#answer(error)
  }

  /** Lines that can't be written now wait for the next try, or go to standard error. */
  #hold(): void {
    const { onDiskFull, clock } = this.#options
    if (onDiskFull === 'stderr') for (const lines of this.#chunks.takeAll()) this.#sayInstead(lines)
    this.#cancelFlush ??= clock.after(Math.max(1, this.#retryAtMs - clock.nowMs()), this.#flushOnTime)
  }

  #sayInstead(lines: Buffer): void {
    // Where its reader has stopped too, it is waited for once.
    const rest = say(lines, { withinMs: this.#isUnheard ? 0 : patienceMs.serving })
    this.#isUnheard = rest.length > 0
    this.#drop(countLines(rest))
  }

  /** Makes room where lines come faster than they are written. False if there is none to be had. */
  #relieve(): boolean {
    if (this.#runner.isHanging || this.#failure) return false
    return this.#writeAll(patienceMs.serving) && !this.#failure
  }

  #drop(lines: number): void {
    this.#dropped += lines
    this.#untold += lines
  }

  #answer(error?: Error): void {
    for (const done of this.#waiting.splice(0)) done(error)
  }

  /** A disk that is full must not keep an app from its start. */
  #open(): void {
    try {
      runThrough(this.#file.open())
    } catch (error) {
      if (!/^(ENOSPC|EDQUOT)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
      this.#fail(error as Error)
    }
  }

  #mend(): void {
    try {
      runThrough(this.#file.mend(this.#chunks))
    } catch {
      // what is left of the line follows once it can be written
    }
  }

  #awaitTurn(): void {
    this.#cancelTurn?.()
    this.#cancelTurn = undefined
    const { clock } = this.#options
    if (this.#isClosed || this.#file.endMs === Infinity) return
    const afterMs = Math.min(Math.max(0, this.#file.endMs - clock.nowMs()), longestMs)
    this.#cancelTurn = clock.after(afterMs, () => {
      if (clock.nowMs() >= this.#file.endMs) this.#flushOnTime()
      else this.#awaitTurn()
    })
  }

  #beat(): void {
    this.#cancelBeat = this.#options.clock.after(heartbeatMs, () => {
      this.#file.beat()
      this.#beat()
    })
  }

  #writeLast = (): void => {
    let isWritten = this.#writeAll(patienceMs.exit, true)
    const endMs = performance.now() + patienceMs.exit
    while (isBusy(this.#failure) && performance.now() < endMs) {
      pause()
      isWritten = this.#writeAll(patienceMs.exit, true)
    }
    // That lines were dropped is told once others are written.
    if (isWritten && !this.#failure && this.#chunks.bytes > 0) isWritten = this.#writeAll(patienceMs.exit, true)
    if (!isWritten && haveOthersEnded()) {
      // Of what has failed, half a line may be there.
      const mending = new Runner(() => this.#file.mend(this.#chunks), { onWritten: () => {}, onEnd: () => {} })
      mending.finish(patienceMs.serving, { isExit: true, hasAnswered: false })
    }
    let lost = this.#untold
    if (!isWritten || this.#failure) for (const lines of this.#chunks.takeAll()) lost += countLines(lines)
    if (lost > 0) say(`logging: ${lost} lines are not in ${this.#file.path}\n`)
    this.#file.close()
  }
}
