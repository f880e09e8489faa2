import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Faults } from '../faults.js'
import type { MetricFamily } from '../lifecycle.js'
import type { Metric } from '../metric.js'
import type { ResolvedHttp } from '../options.js'
import { Aborts } from './aborts.js'
import { attachMeter, recordMeter } from './body-meter.js'
import { CustomLabels } from './custom-labels.js'
import { isOver, outcomeOf, watchResponse } from './outcome.js'
import { Pipelined } from './pipelined.js'
import { RequestMetrics, type RequestSeries } from './request-metrics.js'
import { type MethodSeries, Routes } from './routes.js'
import { clientClosed } from './status.js'
import { type TraceIdOf, TraceIds } from './trace-ids.js'

const current: unique symbol = Symbol('steadfast.metrics.request')
const replyOf: unique symbol = Symbol('steadfast.metrics.reply')

/** `current` is set from the start of a request to its end, and null from then on. */
type Raw = FastifyReply['raw'] & { [current]?: MethodSeries | null; [replyOf]?: FastifyReply }

/** Records each request once, at the first of the events that can end it. */
export class RequestRecorder {
  readonly metrics: readonly Metric<object>[]
  readonly #inFlightName: string
  readonly #requests: RequestMetrics
  readonly #aborts: Aborts
  readonly #routes: Routes
  readonly #custom: CustomLabels | undefined
  readonly #traceIds: TraceIds | undefined
  readonly #isMetered: boolean
  readonly #pipelined = new Pipelined((raw) => this.#end(raw as Raw))
  readonly #onClose: (this: Raw) => void
  #inFlight = 0

  constructor(
    http: ResolvedHttp,
    methods: Iterable<string>,
    common: { prefix: string; maxSeries: number; faults: Faults; traceIdOf: TraceIdOf | undefined },
  ) {
    const { prefix, maxSeries, faults, traceIdOf } = common
    this.#requests = new RequestMetrics(http, prefix, maxSeries)
    this.#aborts = new Aborts(prefix, maxSeries)
    this.#routes = new Routes(http, methods)
    this.#custom = Object.keys(http.labels).length > 0 ? new CustomLabels(http.labels, faults) : undefined
    this.#traceIds = traceIdOf && new TraceIds(traceIdOf, faults)
    this.#isMetered = http.sizes || http.ttfb
    this.#inFlightName = `${prefix}http_requests_in_flight`
    this.metrics = [...this.#requests.all, this.#aborts.metric]
    const end = (raw: Raw) => this.#end(raw)
    this.#onClose = function () {
      end(this)
    }
  }

  /** At the first onRequest. */
  start(request: FastifyRequest, reply: FastifyReply): void {
    const raw: Raw = reply.raw
    if (raw[current] === null) return // a hook before ours has taken longer than the client has waited
    const series = this.#routes.of(request)
    if (series === undefined) {
      raw[current] = null
      return
    }
    raw[current] = series
    raw[replyOf] = reply
    this.#inFlight++
    raw.on('close', this.#onClose)
    watchResponse(raw)
    if (raw.socket === null) this.#pipelined.add(request.raw.socket, raw)
    if (this.#isMetered) attachMeter(request.raw, raw)
    if (isOver(request.raw, raw)) this.#end(raw)
  }

  /** At onResponse. */
  finish(request: FastifyRequest, reply: FastifyReply): void {
    const raw: Raw = reply.raw
    if (raw[current] !== undefined) {
      this.#end(raw)
      return
    }
    // It has ended before our first hook was called.
    raw[current] = null
    const series = this.#routes.of(request)
    if (series) this.#close(series, request, reply)
  }

  inFlightFamily(): MetricFamily {
    return {
      name: this.#inFlightName,
      help: 'Requests that have come, and whose reply is not out yet.',
      type: 'gauge',
      samples: [{ value: this.#inFlight }],
    }
  }

  /** At whatever comes first: onResponse, the end of the response, or of the connection that it waits for. */
  #end(raw: Raw): void {
    const series = raw[current]
    const reply = raw[replyOf]
    if (!series || !reply) return
    raw[current] = null
    this.#inFlight--
    const { request } = reply
    this.#pipelined.remove(request.raw.socket, raw)
    this.#close(series, request, reply)
  }

  #close(series: MethodSeries, request: FastifyRequest, reply: FastifyReply): void {
    const { raw } = reply
    const outcome = outcomeOf(request.raw, raw)
    if (outcome === 'complete') {
      this.#record(series, reply.statusCode, request, reply)
      return
    }
    // The head of a reply that waits for its turn on the connection has been made, but not sent.
    const hasBegun = raw.headersSent && raw.socket !== null
    this.#aborts.count(series.method, series.route, hasBegun ? 'during_reply' : 'before_reply', outcome)
    this.#record(series, outcome === 'client' ? clientClosed : 500, request, reply)
  }

  #record(method: MethodSeries, status: number, request: FastifyRequest, reply: FastifyReply): void {
    const series = this.#custom
      ? this.#requests.series(method, status, this.#custom.of(request, reply))
      : (method.byStatus.get(status) ?? this.#add(method, status))
    const seconds = reply.elapsedTime / 1_000
    const traceId = this.#traceIds?.of(request)
    if (traceId === undefined) series.duration.observe(seconds)
    else series.duration.observeTraced(seconds, traceId)
    if (this.#isMetered) recordMeter(series, reply)
  }

  #add(method: MethodSeries, status: number): RequestSeries {
    const series = this.#requests.series(method, status, {})
    // What has overflowed is counted as such each time.
    if (!this.#requests.hasOverflowed(series)) method.byStatus.set(status, series)
    return series
  }
}
