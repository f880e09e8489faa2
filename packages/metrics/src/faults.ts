import type { MetricFamily } from './lifecycle.js'

/** What we need of a logger. */
export interface Log {
  warn(details: object, message: string): void
}

/** Who failed: a metric source, a metric of prom-client, a label callback, a trace id callback, or two with one name. */
export type Part = 'source' | 'client' | 'labels' | 'exemplars' | 'duplicate'

const parts: Part[] = ['source', 'client', 'labels', 'exemplars', 'duplicate']

/** Failures of what others gave us: each is counted, and told once for each part and message. */
export class Faults {
  readonly #log: Log
  readonly #counts = new Map(parts.map((part) => [part, 0]))
  readonly #told = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  report(part: Part, what: string, error: unknown): void {
    this.#counts.set(part, this.#counts.get(part)! + 1)
    const told = `${part} ${what}`
    if (this.#told.has(told) || this.#told.size > 100) return
    this.#told.add(told)
    this.#log.warn({ err: error, part }, `metrics: ${what}; it is counted in metrics_faults_total and not told again`)
  }

  family(prefix: string): MetricFamily {
    return {
      name: `${prefix}metrics_faults_total`,
      help: 'Failures of metric sources, of metrics of prom-client, and of callbacks; names given twice.',
      type: 'counter',
      samples: [...this.#counts].map(([part, value]) => ({ labels: { part }, value })),
    }
  }
}
