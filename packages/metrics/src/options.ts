import type { Registry } from 'prom-client'
import { type Access, type Gate, resolveAccess } from './access.js'
import * as given from './given.js'
import { take, takeObject } from './given.js'
import { secondsBuckets } from './histogram.js'
import type { LabelOf } from './http/custom-labels.js'
import { sampledTraceId, type TraceIdOf } from './http/trace-ids.js'
import { type Objective, type ObjectiveOptions, resolveObjective } from './slo/objective.js'

/** Where metrics can be read, and who may. */
export interface EndpointOptions extends Access {
  /** Default `/metrics`. */
  path?: string
  /** Gives it a server of its own, from `app.listen()` on; the app then has no route for it. */
  port?: number
  /** Where that server listens. Default all addresses, for Prometheus asks from outside. */
  host?: string
}

/** How requests are recorded. */
export interface HttpOptions {
  /** Upper bounds of durations in seconds, rising. Default 0.005 … 10. */
  buckets?: readonly number[]
  /** Whether `status_code` is the code (`404`) or its class (`4xx`). Default `'code'`. */
  status?: 'code' | 'class'
  /** Records the bytes of the bodies of requests and replies. Default false. */
  sizes?: boolean
  /** Records the time to the first byte of a reply. Default false. */
  ttfb?: boolean
  /** Routes that are not recorded, by their template as `/users/:id`, or a pattern for it. */
  ignore?: readonly (string | RegExp)[]
  /** Labels of your own, by a callback at the end of each request. Few values, please: series cost memory. */
  labels?: Record<string, LabelOf>
}

/** What is told of the process. */
export interface RuntimeOptions {
  /** CPU time, memory, file descriptors, and Node's version. Default true. */
  process?: boolean
  /** The heap, its spaces, and active resources. Default true. */
  heap?: boolean
  /** Delay and utilization of the event loop. Default true. */
  eventLoop?: boolean
  /**
   * Durations of garbage collections. Default false: Node tells of each one by an event, which takes about 0.1 ms: under full load
   * as much as recording all requests.
   */
  gc?: boolean
}

export interface MetricsOptions {
  /** A registry of prom-client for `app.metrics.client`. Default a new one, of this app alone. */
  registry?: Registry
  /** Put before all names that the plugin gives itself. Default none. */
  prefix?: string
  /** A text is its path. `false`: none. */
  endpoint?: string | EndpointOptions | false
  http?: HttpOptions | false
  /** How many label sets each metric keeps. Default 10000. */
  maxSeries?: number
  runtime?: RuntimeOptions | false
  /**
   * Whether the buckets of durations carry trace ids, in OpenMetrics. `true` takes sampled ones from the header
   * `traceparent`; a callback gives its own. Default false.
   */
  exemplars?: boolean | TraceIdOf
  /** What `rules()` and `dashboard()` are made for. */
  slo?: ObjectiveOptions
}

export type ResolvedHttp = Required<HttpOptions>

export type ResolvedRuntime = Required<RuntimeOptions>

export interface ResolvedEndpoint {
  path: string
  gate: Gate
  listen: { port: number; host: string | undefined } | undefined
}

export interface ResolvedMetricsOptions {
  registry: Registry | undefined
  prefix: string
  endpoint: ResolvedEndpoint | undefined
  http: ResolvedHttp | undefined
  maxSeries: number
  runtime: ResolvedRuntime
  traceIdOf: TraceIdOf | undefined
  objective: Objective
}

const keys = ['registry', 'prefix', 'endpoint', 'http', 'maxSeries', 'runtime', 'exemplars', 'slo']

const registryRule: given.Rule = {
  must: 'a Registry of prom-client',
  test: (value) => typeof (value as Registry | null)?.getMetricsAsArray === 'function',
}

export const prefixRule: given.Rule = { ...given.metricName, must: `the start of ${given.metricName.must}` }

const pathRule: given.Rule = {
  must: 'a path that begins with / and has no parameters',
  test: (value) => typeof value === 'string' && /^\/[^\s:*?#]*$/.test(value),
}

/**
 * @throws ERR_METRICS_OPTION
 * @throws ERR_METRICS_UNKNOWN_OPTION
 */
export function resolveOptions(options: MetricsOptions): ResolvedMetricsOptions {
  takeObject('the options', options, keys, '')
  const { endpoint = {}, http = {}, runtime = {}, exemplars = false } = options
  if (typeof exemplars !== 'function')
    take('exemplars', exemplars, { ...given.flag, must: 'true, false or a function' })
  const resolvedHttp = http === false ? undefined : resolveHttp(http)
  return {
    registry: take('registry', options.registry, registryRule),
    prefix: take('prefix', options.prefix, prefixRule, ''),
    endpoint: endpoint === false ? undefined : resolveEndpoint(endpoint),
    http: resolvedHttp,
    maxSeries: take('maxSeries', options.maxSeries, given.count, 10_000),
    runtime: resolveRuntime(runtime),
    traceIdOf: exemplars === true ? sampledTraceId : exemplars || undefined,
    objective: resolveObjective(options.slo, resolvedHttp?.buckets ?? secondsBuckets),
  }
}

function resolveEndpoint(endpoint: string | EndpointOptions): ResolvedEndpoint {
  if (typeof endpoint !== 'string') takeObject('endpoint', endpoint, ['path', 'port', 'host', 'bearer', 'allow'])
  const { path, port, host, ...access } = typeof endpoint === 'string' ? { path: endpoint } : endpoint
  take('endpoint.host', host, given.text)
  if (host !== undefined && port === undefined) given.fail('endpoint.port', 'set where endpoint.host is', port)
  return {
    path: take(typeof endpoint === 'string' ? 'endpoint' : 'endpoint.path', path, pathRule, '/metrics'),
    gate: resolveAccess(access),
    listen: take('endpoint.port', port, given.port) === undefined ? undefined : { port: port as number, host },
  }
}

function resolveHttp(http: HttpOptions): ResolvedHttp {
  takeObject('http', http, ['buckets', 'status', 'sizes', 'ttfb', 'ignore', 'labels'])
  const status: given.Rule = { must: "'code' or 'class'", test: (value) => value === 'code' || value === 'class' }
  const ignore: given.Rule = {
    must: 'a list of route templates and patterns',
    test: (value) => Array.isArray(value) && value.every((each) => given.text.test(each) || each instanceof RegExp),
  }
  return {
    buckets: take('http.buckets', http.buckets, given.buckets, secondsBuckets),
    status: take('http.status', http.status, status, 'code'),
    sizes: take('http.sizes', http.sizes, given.flag, false),
    ttfb: take('http.ttfb', http.ttfb, given.flag, false),
    ignore: take('http.ignore', http.ignore, ignore, []),
    labels: resolveLabels(http.labels ?? {}),
  }
}

function resolveLabels(labels: Record<string, LabelOf>): Record<string, LabelOf> {
  take('http.labels', labels, given.object)
  const names = ['method', 'route', 'status_code', ...Object.keys(labels)]
  take('the names of http.labels, after those of the plugin,', names, given.labelNames)
  for (const [name, labelOf] of Object.entries(labels)) take(`http.labels.${name}`, labelOf, given.callable)
  return labels
}

function resolveRuntime(runtime: RuntimeOptions | false): ResolvedRuntime {
  if (runtime === false) return { process: false, heap: false, eventLoop: false, gc: false }
  takeObject('runtime', runtime, ['process', 'heap', 'eventLoop', 'gc'])
  const on = (key: keyof RuntimeOptions, byDefault = true) =>
    take(`runtime.${key}`, runtime[key], given.flag, byDefault)
  return { process: on('process'), heap: on('heap'), eventLoop: on('eventLoop'), gc: on('gc', false) }
}
