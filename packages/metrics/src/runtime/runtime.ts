import type { MetricFamily } from '../lifecycle.js'
import type { Metric } from '../metric.js'
import type { ResolvedRuntime } from '../options.js'
import { EventLoopDelay } from './event-loop.js'
import { GarbageCollections } from './garbage.js'
import { heapFamilies } from './heap.js'
import { processFamilies } from './process.js'

/** What Node.js and the system tell of the process, by the names that prom-client gave them. */
export class Runtime {
  readonly metrics: Metric<object>[]
  readonly sources: (() => MetricFamily[])[] = []
  readonly #watched: { start(): void; stop(): void }[] = []

  constructor(on: ResolvedRuntime, prefix: string) {
    const delay = new EventLoopDelay()
    const garbage = new GarbageCollections(prefix)
    this.metrics = on.gc ? [garbage.metric] : []
    if (on.process) this.sources.push(() => processFamilies(prefix))
    if (on.heap) this.sources.push(() => heapFamilies(prefix))
    if (on.eventLoop) this.sources.push(() => delay.families(prefix))
    if (on.eventLoop) this.#watched.push(delay)
    if (on.gc) this.#watched.push(garbage)
  }

  start(): void {
    for (const each of this.#watched) each.start()
  }

  stop(): void {
    for (const each of this.#watched) each.stop()
  }
}
