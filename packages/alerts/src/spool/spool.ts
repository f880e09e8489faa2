import { mkdir } from 'node:fs/promises'
import { SpoolError } from '../errors.js'
import type { Log } from '../log.js'
import { DeadLetters } from './dead-letters.js'
import { Journal } from './journal.js'
import { takeOrphans } from './orphans.js'
import { newOwner, touchEveryMs } from './owner.js'

export interface SpoolSettings {
  dir: string
  maxBytes: number
}

/** The folder where events wait: the journal of this process, those that others have left, and the dead letters. */
export class Spool {
  readonly journal: Journal
  readonly deadLetters: DeadLetters
  readonly #dir: string
  readonly #service: string
  readonly #owner: string
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #hasFailed = false

  constructor({ dir, maxBytes }: SpoolSettings, service: string, log: Log) {
    this.#dir = dir
    this.#service = service
    this.#owner = newOwner(service)
    this.#log = log
    this.journal = new Journal(dir, this.#owner, maxBytes)
    this.deadLetters = new DeadLetters(dir, maxBytes)
  }

  /**
   * Hands over what earlier processes have left, then and whenever one ends.
   * @param onFound resolves once it is kept elsewhere
   * @throws ERR_ALERTS_SPOOL
   */
  async open(onFound: (entries: Map<string, unknown>, lostBytes: number) => Promise<void>): Promise<void> {
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 })
      await this.#look(onFound)
    } catch (error) {
      throw new SpoolError(this.#dir, (error as Error).message)
    }
    this.#timer = setInterval(() => {
      this.#touch()
      this.#looking ??= this.#look(onFound)
        .catch((error) => this.failed(error))
        .finally(() => {
          this.#looking = undefined
        })
    }, touchEveryMs).unref()
  }

  /** Said once, until it works again. */
  failed(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#log.error({ err: error }, 'alerts: the spool can’t be written; alerts are kept in memory until it can')
  }

  worked(): void {
    if (!this.#hasFailed) return
    this.#hasFailed = false
    this.#log.info({}, 'alerts: the spool can be written again')
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    await this.journal.close()
  }

  #touch(): void {
    this.journal.touch().then(
      (isWritten) => isWritten && this.worked(),
      (error) => this.failed(error),
    )
  }

  async #look(onFound: (entries: Map<string, unknown>, lostBytes: number) => Promise<void>): Promise<void> {
    const onFailure = (file: string, err: unknown) =>
      this.#log.warn({ err, file }, 'alerts: a file of the spool can’t be read; the others are')
    for (const orphan of await takeOrphans(this.#dir, this.#owner, this.#service, onFailure)) {
      await onFound(orphan.entries, orphan.lostBytes)
      await orphan.remove()
    }
  }
}
