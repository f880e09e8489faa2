import type { Metrics } from './metrics.js'

export type { Access } from './access.js'
export type { PromClient } from './client.js'
export type { BoundCounter, Counter } from './counter.js'
export type { BoundGauge, Gauge } from './gauge.js'
export type { BoundHistogram, Histogram, HistogramOptions } from './histogram.js'
export type { LabelOf } from './http/custom-labels.js'
export type { TraceIdOf } from './http/trace-ids.js'
export type { LabelValues } from './labels.js'
export type { MetricOptions } from './metric.js'
export type { Metrics } from './metrics.js'
export type { EndpointOptions, HttpOptions, MetricsOptions, RuntimeOptions } from './options.js'
export { default } from './plugin.js'
export type { PgPoolLike } from './pools/pg.js'
export type { RedisLike } from './pools/redis.js'
export type { Exposition } from './scrape.js'
export type { ObjectiveOptions } from './slo/objective.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The app's metrics; by @steadfast/metrics. */
    metrics: Metrics
  }

  interface FastifyContextConfig {
    /** `false`: requests of this route are not recorded. */
    metrics?: false
    /** As in fastify-metrics: `true` is the same as `metrics: false`. */
    disableMetrics?: boolean
    /** As in fastify-metrics: the label `route`, instead of the template. */
    statsId?: string
  }
}
