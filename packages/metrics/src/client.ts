import prometheus from 'prom-client'

export type PromClient = typeof prometheus

interface Config {
  registers?: unknown
}

type Constructor = new (config: never) => object

/** prom-client as the app's own: what is made with it goes to the app's registry, unless another is named. */
export function clientFor(registry: prometheus.Registry): PromClient {
  const own = <Type extends Constructor>(Base: Type): Type => {
    const Own = class extends (Base as unknown as new (config: Config) => object) {
      constructor(config: Config) {
        super(typeof config === 'object' && config ? { ...config, registers: config.registers ?? [registry] } : config)
      }
    }
    // prom-client's own parts tell metrics apart by the names of their classes.
    Object.defineProperty(Own, 'name', { value: Base.name })
    return Own as unknown as Type
  }
  const { Counter, Gauge, Histogram, Summary, collectDefaultMetrics } = prometheus
  const collect: typeof collectDefaultMetrics = Object.assign(
    (config?: prometheus.DefaultMetricsCollectorConfiguration<prometheus.RegistryContentType>) =>
      collectDefaultMetrics({ register: registry, ...config }),
    { metricsList: collectDefaultMetrics.metricsList },
  )
  return {
    ...prometheus,
    register: registry,
    get contentType() {
      return registry.contentType
    },
    Counter: own(Counter),
    Gauge: own(Gauge),
    Histogram: own(Histogram),
    Summary: own(Summary),
    collectDefaultMetrics: collect,
  } as PromClient
}
