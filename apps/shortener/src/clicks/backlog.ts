import type { HealthCheck } from '@steadfast/health'
import type { Queryable } from '../database/database.js'
import { countDeadLetters } from './dead-letters/repository.js'
import type { ClickSink } from './sink.js'

const lateMs = 60_000

/** What is not counted yet. It is looked at by the health check, and kept for alerts and metrics. */
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

  async look(): Promise<void> {
    const [oldestMs, deadLetters] = await Promise.allSettled([this.#sink.oldestMs(), countDeadLetters(this.#database)])
    const ageMs = (ms: number | undefined) => (ms === undefined ? 0 : Math.max(0, Date.now() - ms))
    this.lagMs = oldestMs.status === 'fulfilled' ? ageMs(oldestMs.value) : undefined
    this.deadLetters = deadLetters.status === 'fulfilled' ? deadLetters.value : undefined
  }

  /** Degraded while clicks wait for long. Where that can't be told, the check of what is away says so. */
  readonly check: HealthCheck = {
    kind: 'degraded',
    run: async () => {
      await this.look()
      const { lagMs = 0 } = this
      const output = `the oldest click has waited for ${Math.round(lagMs / 1_000)} s`
      return { status: lagMs > lateMs ? 'fail' : 'pass', output, observedValue: lagMs, observedUnit: 'ms' }
    },
  }
}
