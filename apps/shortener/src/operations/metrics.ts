import type { MetricsOptions } from '@steadfast/metrics'
import type { Config } from '../config.js'

/** Metrics are for nobody, unless they have a port of their own or a token. */
export function metricsOptions({ METRICS_PORT, OPERATIONS_TOKEN, HOST }: Config): MetricsOptions {
  if (METRICS_PORT !== undefined) return { endpoint: { port: METRICS_PORT, host: HOST } }
  return { endpoint: OPERATIONS_TOKEN ? { bearer: OPERATIONS_TOKEN } : false }
}
