import { setTimeout as sleep } from 'node:timers/promises'
import type { HealthCheck } from '@steadfast/health'
import type { Queryable } from '../database/database.js'
import { countDeadLetters } from './dead-letters/repository.js'
import type { ClickSink } from './sink.js'

const lateMs = 60_000

/** A Redis that is frozen is told by its own check. */
const lookDeadlineMs = 500

/** What is not counted yet. It is looked at by the health check and an alert, and kept for metrics. */
export class Backlog {
  readonly #sink: ClickSink
  readonly #database: Queryable
  /** How old the oldest click is that is not counted; undefined if that can't be told. */
  lagMs: number | undefined
  /** How many can't be counted; undefined as well. */
  deadLetters: number | undefined

  constructor(sink: ClickSink, database: Queryable) {
    this.#sink = sink
    this.#database = database
  }

  async lookAtLag(): Promise<void> {
    const look = this.#sink.oldestMs().then(
      (oldestMs) => (oldestMs === undefined ? 0 : Math.max(0, Date.now() - oldestMs)),
      () => undefined,
    )
    this.lagMs = await Promise.race([look, sleep(lookDeadlineMs, undefined, { ref: false })])
  }

  async lookForDeadLetters(): Promise<number | undefined> {
    this.deadLetters = await countDeadLetters(this.#database).catch(() => undefined)
    return this.deadLetters
  }

  /** Degraded while clicks wait for long. Where that can't be told, the check of what is away says so. */
  readonly check: HealthCheck = {
    kind: 'degraded',
    run: async () => {
      await this.lookAtLag()
      const { lagMs = 0 } = this
      const output = `the oldest click has waited for ${Math.round(lagMs / 1_000)} s`
      return { status: lagMs > lateMs ? 'fail' : 'pass', output, observedValue: lagMs, observedUnit: 'ms' }
    },
  }
}
