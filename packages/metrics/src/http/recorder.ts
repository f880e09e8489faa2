import { performance } from 'node:perf_hooks' // the global is a getter
import type { FastifyReply, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify'
import type { Faults } from '../faults.js'
import type { MetricFamily } from '../lifecycle.js'
import type { Metric } from '../metric.js'
import type { ResolvedHttp } from '../options.js'
import { Aborts } from './aborts.js'
import { attachMeter, recordMeter } from './body-meter.js'
import { CustomLabels } from './custom-labels.js'
import { Finishes } from './finishes.js'
import { isOver, type Outcome, type OutcomeOf, outcomeOf, outcomeOfHttp1, watchResponse } from './outcome.js'
import { Pipelined } from './pipelined.js'
import { RequestMetrics, type RequestSeries } from './request-metrics.js'
import { type MethodSeries, Routes } from './routes.js'
import { clientClosed } from './status.js'
import { type TraceIdOf, TraceIds } from './trace-ids.js'

const current: unique symbol = Symbol('steadfast.metrics.request')
const replyOf: unique symbol = Symbol('steadfast.metrics.reply')
const startMs: unique symbol = Symbol('steadfast.metrics.start')

/** `current` is set from the start of a request to its end, and null from then on. */
type Raw = FastifyReply['raw'] & { [current]?: MethodSeries | null; [replyOf]?: FastifyReply; [startMs]?: number }

/** Records each request once, at the first of the events that can end it. A listener for each is for those alone that need one. */
export class RequestRecorder {
  readonly metrics: readonly Metric<object>[]
  readonly #inFlightName: string
  readonly #requests: RequestMetrics
  readonly #aborts: Aborts
  readonly #routes: Routes
  readonly #custom: CustomLabels | undefined
  readonly #traceIds: TraceIds | undefined
  readonly #isMetered: boolean
  readonly finishes: Finishes
  readonly #pipelined = new Pipelined((raw) => this.#end(raw as Raw, outcomeOfHttp1))
  /** Stands for the series of a request until its route is known. */
  readonly #unnamed: MethodSeries
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
    this.#unnamed = { routes: this.#routes, method: '', route: '', byStatus: new Map() }
    this.#custom = Object.keys(http.labels).length > 0 ? new CustomLabels(http.labels, faults) : undefined
    this.#traceIds = traceIdOf && new TraceIds(traceIdOf, faults)
    this.#isMetered = http.sizes || http.ttfb
    this.#inFlightName = `${prefix}http_requests_in_flight`
    this.metrics = [...this.#requests.all, this.#aborts.metric]
    const end = (raw: Raw) => this.#end(raw, outcomeOf)
    this.finishes = new Finishes((raw) => this.#end(raw as Raw, outcomeOfHttp1))
    this.#onClose = function () {
      end(this)
    }
  }

  /** A hook that notes the route of its requests, or lets go of them if they are not recorded. */
  hookOf(options: RouteOptions): onRequestHookHandler {
    const route = this.#routes.declare(options)
    const recorder = this
    return function noteRoute(request, reply, done) {
      recorder.#note(reply.raw, recorder.#routes.at(route, request.method))
      done()
    }
  }

  /** At the first onRequest. */
  start(request: FastifyRequest, reply: FastifyReply): void {
    if ((reply.raw as Raw)[current] === undefined) this.#start(request, reply, performance.now())
  }

  /** At onSend: a hook before ours has answered. Fastify knows since when, if somebody logs or listens for its end. */
  startLate(request: FastifyRequest, reply: FastifyReply): void {
    if ((reply.raw as Raw)[current] === undefined) this.#start(request, reply, performance.now() - reply.elapsedTime)
  }

  #start(request: FastifyRequest, reply: FastifyReply, nowMs: number): void {
    const raw: Raw = reply.raw
    raw[current] = this.#unnamed
    raw[replyOf] = reply
    raw[startMs] = nowMs
    this.#inFlight++
    if (this.#isMetered) attachMeter(request.raw, raw)
    if (this.finishes.tell(request.raw, raw)) {
      if (raw.destroyed) this.#end(raw, outcomeOfHttp1)
      return
    }
    raw.on('close', this.#onClose)
    watchResponse(raw)
    if (raw.socket === null) this.#pipelined.add(request.raw.socket, raw)
    if (isOver(request.raw, raw)) this.#end(raw, outcomeOf)
  }

  #note(raw: Raw, series: MethodSeries | undefined): void {
    if (raw[current]?.routes !== this.#routes) return
    if (series) raw[current] = series
    else this.#forget(raw)
  }

  #forget(raw: Raw): void {
    raw[current] = null
    this.#inFlight--
    if (this.#pipelined.isUsed) this.#pipelined.remove(raw[replyOf]!.request.raw.socket, raw)
  }

  inFlightFamily(): MetricFamily {
    return {
      name: this.#inFlightName,
      help: 'Requests that have come, and whose reply is not out yet.',
      type: 'gauge',
      samples: [{ value: this.#inFlight }],
    }
  }

  /** At whatever comes first: its finish, its end, or that of the connection that it waits for. */
  #end(raw: Raw, outcomeOf: OutcomeOf): void {
    const noted = raw[current]
    if (noted?.routes !== this.#routes) return
    this.#forget(raw)
    const reply = raw[replyOf]!
    // No route of ours was reached: it has none, or a hook before has answered.
    const series = noted === this.#unnamed ? this.#routes.of(reply.request) : noted
    if (series) this.#close(series, reply, outcomeOf(reply.request.raw, raw))
  }

  #close(series: MethodSeries, reply: FastifyReply, outcome: Outcome): void {
    const { raw } = reply
    if (outcome === 'complete') {
      this.#record(series, reply.statusCode, reply)
      return
    }
    // The head of a reply that waits for its turn on the connection has been made, but not sent.
    const hasBegun = raw.headersSent && raw.socket !== null
    this.#aborts.count(series.method, series.route, hasBegun ? 'during_reply' : 'before_reply', outcome)
    this.#record(series, outcome === 'client' ? clientClosed : 500, reply)
  }

  #record(method: MethodSeries, status: number, reply: FastifyReply): void {
    const series = this.#custom
      ? this.#requests.series(method, status, this.#custom.of(reply.request, reply))
      : (method.byStatus.get(status) ?? this.#add(method, status))
    const seconds = (performance.now() - (reply.raw as Raw)[startMs]!) / 1_000
    const traceId = this.#traceIds?.of(reply.request)
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
