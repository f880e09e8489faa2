import type { Internals } from './create-logger.js'
import type { RollingStats } from './rolling/rolling-file.js'
import * as rules from './rules.js'
import { take, takeObject } from './rules.js'

/** What is known of an app's log. */
export interface LoggingStats {
  level: string
  /** How many access lines were written. */
  accessLines: number
  /** Of the file, where there is one that this package rolls. */
  file: RollingStats | undefined
}

/** How long a disk is waited for that does not answer. */
const flushMs = 5_000

/** `app.logging` */
export class Logging {
  readonly #internals: Internals
  readonly #accessLines: () => number
  #back: { level: string; timer: NodeJS.Timeout } | undefined

  constructor(internals: Internals, accessLines: () => number) {
    this.#internals = internals
    this.#accessLines = accessLines
  }

  /**
   * Changes the level of the logger and of all its children that were given none of their own, those that are there already
   * too. With `forMs` it is as before after that time, in ms.
   * @throws ERR_LOGGING_OPTION
   * @throws ERR_LOGGING_UNKNOWN_OPTION
   */
  setLevel(level: string, options: { forMs?: number } = {}): void {
    const { root } = this.#internals
    takeObject('the options of setLevel', options, ['forMs'], '')
    const known = [...Object.keys(root.levels.values), 'silent']
    if (!known.includes(level)) rules.refuse('level', rules.oneOf(...known).must, level)
    const forMs = take('forMs', options.forMs, rules.duration)
    const before = this.#back?.level ?? root.level
    this.stop()
    root.level = level
    if (forMs === undefined) return
    const timer = setTimeout(() => {
      this.#back = undefined
      root.level = before
    }, forMs).unref()
    this.#back = { level: before, timer }
  }

  /**
   * Resolves once all that was logged is in the file.
   * @throws Error why it can't be, or that the disk has not answered for 5 s
   */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the disk has not answered for ${flushMs} ms`)), flushMs)
      this.#internals.destination.flush((error) => {
        clearTimeout(timer)
        if (error) reject(error)
        else resolve()
      })
    })
  }

  stats(): LoggingStats {
    const { root, destination } = this.#internals
    return { level: root.level, accessLines: this.#accessLines(), file: destination.stats() }
  }

  /** Gives up the way back to an earlier level. */
  stop(): void {
    clearTimeout(this.#back?.timer)
    this.#back = undefined
  }
}
