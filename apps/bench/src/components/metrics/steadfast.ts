import metrics, { type BoundHistogram } from '@steadfast/metrics'
import Fastify from 'fastify'
import type { Recorder, RecorderOptions } from './measure.js'

/** Finds the series of a request as the plugin does: by its route, its method and its status, each in a map. */
export async function start({ buckets }: RecorderOptions): Promise<Recorder> {
  const app = Fastify()
  await app.register(metrics, { endpoint: false, http: false, runtime: false })
  const labelNames = ['method', 'route', 'status_code'] as const
  const name = 'request_duration_seconds'
  const histogram = app.metrics.histogram({ name, help: 'Duration of requests', labelNames, buckets })
  type Methods = Map<string, Map<number, BoundHistogram>>
  const routes = new Map<string, Methods>()
  const add = <Key, Value>(map: Map<Key, Value>, key: Key, value: Value) => {
    map.set(key, value)
    return value
  }
  return {
    record(method, route, status, seconds) {
      const methods = routes.get(route) ?? add(routes, route, new Map())
      const statuses = methods.get(method) ?? add(methods, method, new Map())
      const series =
        statuses.get(status) ?? add(statuses, status, histogram.labels({ method, route, status_code: status }))
      series.observe(seconds)
    },
    scrape: async () => (await app.metrics.render()).body,
  }
}
