import type { Registry } from 'prom-client'
import type { PromClient } from './client.js'
import { clientFor } from './client.js'
import { type Counter, CounterMetric } from './counter.js'
import { NameTakenError } from './errors.js'
import type { Faults } from './faults.js'
import { type Gauge, GaugeMetric } from './gauge.js'
import * as given from './given.js'
import { type Histogram, HistogramMetric, type HistogramOptions, secondsBuckets } from './histogram.js'
import type { MetricFamily } from './lifecycle.js'
import type { Metric, MetricOptions } from './metric.js'
import { negotiate } from './negotiate.js'
import type { PgPoolLike } from './pools/pg.js'
import { Pools } from './pools/pools.js'
import type { RedisLike } from './pools/redis.js'
import { readRegistry } from './registry.js'
import { type Exposition, Scraper } from './scrape.js'
import { dashboard } from './slo/dashboard.js'
import type { Objective } from './slo/objective.js'
import { rules } from './slo/rules.js'
import { readSources } from './source.js'
import type { Family } from './text.js'

/** How long `collect` of a metric of prom-client may take. Prometheus gives a scrape 10 s, by default. */
const collectDeadlineMs = 3_000

export interface MetricsParts {
  registry: Registry
  prefix: string
  maxSeries: number
  objective: Objective
  hasGarbage: boolean
  /** The plugin's own. */
  metrics: readonly Metric<object>[]
  sources: readonly (() => MetricFamily[])[]
  /** Those of other plugins. */
  joined: Set<() => MetricFamily[]>
  faults: Faults
}

/** `app.metrics`. */
export class Metrics {
  /** prom-client, for metrics of yours that need it; what is made with it is this app's. */
  readonly client: PromClient
  /** @internal */
  readonly scraper: Scraper
  readonly #parts: MetricsParts
  readonly #pools = new Pools()
  readonly #own = new Map<string, Metric<object>>()

  constructor(parts: MetricsParts) {
    this.#parts = parts
    this.client = clientFor(parts.registry)
    this.scraper = new Scraper(() => this.#read(), parts.faults)
    for (const metric of parts.metrics) this.#own.set(metric.name, metric)
  }

  /**
   * A counter; the one that is there, if it has the same name and labels.
   * @throws ERR_METRICS_OPTION, ERR_METRICS_UNKNOWN_OPTION
   * @throws ERR_METRICS_NAME_TAKEN
   */
  counter<const Name extends string = never>(options: MetricOptions<Name>): Counter<Name> {
    return this.#make(CounterMetric, options, [])
  }

  /** A gauge; otherwise as `counter`. */
  gauge<const Name extends string = never>(options: MetricOptions<Name>): Gauge<Name> {
    return this.#make(GaugeMetric, options, [])
  }

  /** A histogram; otherwise as `counter`. */
  histogram<const Name extends string = never>(options: HistogramOptions<Name>): Histogram<Name> {
    return this.#make(HistogramMetric, options, ['buckets'])
  }

  /**
   * Has connections and queues of a pool of pg, or of a client of ioredis, read at each scrape.
   * @throws ERR_METRICS_OPTION if it is neither
   * @throws ERR_METRICS_NAME_TAKEN
   */
  pool(name: string, pool: PgPoolLike | RedisLike): void {
    this.#pools.add(name, pool)
  }

  /** All metrics, in the format that an Accept header asks for; the text format without. */
  render(accept?: string): Promise<Exposition> {
    return this.scraper.scrape(negotiate(accept))
  }

  /** Recording and alerting rules for Prometheus, as YAML. */
  rules(): string {
    return rules(this.#parts.objective, this.#parts.prefix)
  }

  /** A dashboard for Grafana, to be written as JSON. */
  dashboard(): object {
    const { objective, prefix, hasGarbage } = this.#parts
    return dashboard(objective, prefix, hasGarbage)
  }

  #make<Made extends Metric<object>, Options extends HistogramOptions>(
    Kind: new (options: Options & { maxSeries: number }) => Made,
    options: Options,
    more: string[],
  ): Made {
    given.takeObject('the options of a metric', options, ['name', 'help', 'labelNames', 'maxSeries', ...more], '')
    if (!given.metricName.test(options.name)) given.fail('name', given.metricName.must, options.name)
    if (!given.text.test(options.help)) given.fail('help', given.text.must, options.help)
    const { name } = options
    if ((Kind as unknown) === CounterMetric && !name.endsWith('_total')) {
      given.fail('name', 'a name that ends in _total, for a counter', name)
    }
    given.take('buckets', options.buckets, given.buckets)
    const labelNames = given.take('labelNames', options.labelNames, given.labelNames, [])
    const maxSeries = given.take('maxSeries', options.maxSeries, given.count, this.#parts.maxSeries)
    const there = this.#own.get(name)
    if (there) return this.#same(there, Kind, labelNames, options.buckets)
    if (this.#isThePlugins(name)) throw new NameTakenError(name, 'it is the plugin’s own')
    if (this.#parts.registry.getSingleMetric(name)) throw new NameTakenError(name, 'a metric of prom-client has it')
    const made = new Kind({ ...options, maxSeries })
    if (labelNames.length === 0) made.bind({}) // it is there from the start, with 0
    this.#own.set(name, made)
    return made
  }

  #same<Made extends Metric<object>>(
    there: Metric<object>,
    Kind: new (options: never) => Made,
    labelNames: readonly string[],
    buckets: readonly number[] = secondsBuckets,
  ): Made {
    if (!(there instanceof Kind)) throw new NameTakenError(there.name, `it is a ${there.type}`)
    if (`${there.labelNames}` !== `${labelNames}`) {
      throw new NameTakenError(there.name, `it has the labels (${there.labelNames.join(', ')})`)
    }
    if (there instanceof HistogramMetric && `${there.buckets}` !== `${buckets}`) {
      throw new NameTakenError(there.name, `it has the buckets (${there.buckets.join(', ')})`)
    }
    return there
  }

  async #read(): Promise<Family[]> {
    const { registry, prefix, sources, joined, faults } = this.#parts
    this.#pools.ask()
    const ofClient = await readRegistry(registry, faults, collectDeadlineMs)
    const own: Family[] = [...this.#own.values()].map((metric) => ({
      name: metric.name,
      help: metric.help,
      type: metric.type,
      pieces: (isOpenMetrics) => metric.pieces(isOpenMetrics),
    }))
    const ours = readSources([...sources, () => this.#pools.families(prefix)], faults)
    const theirs = readSources(joined, faults)
    return [...own, ...ours, ...theirs, ...ofClient, ...this.#ofItself()]
  }

  #ofItself(): Family[] {
    const { prefix, faults } = this.#parts
    return readSources([() => [faults.family(prefix), this.#overflows()]], faults)
  }

  #isThePlugins(name: string): boolean {
    const { sources, faults } = this.#parts
    return [...readSources(sources, faults), ...this.#ofItself()].some((family) => family.name === name)
  }

  #overflows(): MetricFamily {
    return {
      name: `${this.#parts.prefix}metrics_overflows_total`,
      help: 'How often a label set found its metric full and was recorded as __overflow__.',
      type: 'counter',
      samples: [...this.#own.values()].map(({ name, turnedAway }) => ({ labels: { metric: name }, value: turnedAway })),
    }
  }
}
