import { performance } from 'node:perf_hooks' // the global is a getter
import type { FastifyReply, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify'
import type { Faults } from '../faults.js'
import type { MetricFamily } from '../lifecycle.js'
import type { Metric } from '../metric.js'
import type { ResolvedHttp } from '../options.js'
import { Aborts } from './aborts.js'
import { attachMeter, recordMeter } from './body-meter.js'
import { CustomLabels } from './custom-labels.js'
import { Finishes, turnOfConnection } from './finishes.js'
import { isOver, type Outcome, type OutcomeOf, outcomeOf, outcomeOfHttp1, watchResponse } from './outcome.js'
import { Pipelined } from './pipelined.js'
import { RequestMetrics, type RequestSeries } from './request-metrics.js'
import { type MethodSeries, Routes } from './routes.js'
import { clientClosed } from './status.js'
import { type TraceIdOf, TraceIds } from './trace-ids.js'
import { Turn } from './turn.js'

const ownTurn: unique symbol = Symbol('steadfast.metrics.request')

/** A response that can't go by the turn of its connection has one of its own. */
type Raw = FastifyReply['raw'] & { [ownTurn]?: Turn }

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
  readonly #pipelined = new Pipelined((raw) => this.#endOwn(raw as Raw, outcomeOfHttp1))
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
    const end = (raw: Raw) => this.#endOwn(raw, outcomeOf)
    this.finishes = new Finishes((turn) => this.#end(turn, outcomeOfHttp1))
    this.#onClose = function () {
      end(this)
    }
  }

  /** A hook that notes the route of its requests, or lets go of them if they are not recorded. */
  hookOf(options: RouteOptions): onRequestHookHandler {
    const route = this.#routes.declare(options)
    const recorder = this
    return function noteRoute(request, reply, done) {
      recorder.#note(request, reply, recorder.#routes.at(route, request.method))
      done()
    }
  }

  /** At the first onRequest. */
  start(request: FastifyRequest, reply: FastifyReply): void {
    if (turnOf(request, reply) === undefined) this.#start(request, reply, performance.now())
  }

  /** At onSend: a hook before ours has answered. Fastify knows since when, if somebody logs or listens for its end. */
  startLate(request: FastifyRequest, reply: FastifyReply): void {
    if (turnOf(request, reply) === undefined) this.#start(request, reply, performance.now() - reply.elapsedTime)
  }

  #start(request: FastifyRequest, reply: FastifyReply, nowMs: number): void {
    const raw: Raw = reply.raw
    const shared = this.finishes.turnFor(request.raw, raw)
    const turn = shared ?? new Turn()
    turn.response = raw
    turn.reply = reply
    turn.series = this.#unnamed
    turn.startMs = nowMs
    this.#inFlight++
    if (this.#isMetered) attachMeter(request.raw, raw)
    if (shared) {
      if (raw.destroyed) this.#end(turn, outcomeOfHttp1)
      return
    }
    raw[ownTurn] = turn
    raw.on('close', this.#onClose)
    watchResponse(raw)
    if (raw.socket === null) this.#pipelined.add(request.raw.socket, raw)
    if (isOver(request.raw, raw)) this.#end(turn, outcomeOf)
  }

  #note(request: FastifyRequest, reply: FastifyReply, series: MethodSeries | undefined): void {
    const turn = turnOf(request, reply)
    if (turn?.series?.routes !== this.#routes) return
    if (series) turn.series = series
    else this.#forget(turn)
  }

  #forget(turn: Turn): void {
    turn.series = undefined
    this.#inFlight--
    if (this.#pipelined.isUsed) this.#pipelined.remove(turn.reply!.request.raw.socket, turn.response!)
  }

  inFlightFamily(): MetricFamily {
    return {
      name: this.#inFlightName,
      help: 'Requests that have come, and whose reply is not out yet.',
      type: 'gauge',
      samples: [{ value: this.#inFlight }],
    }
  }

  #endOwn(raw: Raw, outcomeOf: OutcomeOf): void {
    if (raw[ownTurn]) this.#end(raw[ownTurn], outcomeOf)
  }

  /** At whatever comes first: its finish, its end, or that of the connection that it waits for. */
  #end(turn: Turn, outcomeOf: OutcomeOf): void {
    const { series: noted, reply } = turn
    if (noted?.routes === this.#routes) {
      this.#forget(turn)
      const { request } = reply!
      // No route of ours was reached: it has none, or a hook before has answered.
      const series = noted === this.#unnamed ? this.#routes.of(request) : noted
      if (series) this.#close(series, turn, reply!, outcomeOf(request.raw, reply!.raw))
    }
    turn.reply = undefined // a connection may be idle for long
    // What has not gone out may still be sent by the app, in vain: its turn is known by it to be over.
    if (reply?.raw.writableFinished) turn.response = undefined
  }

  #close(series: MethodSeries, turn: Turn, reply: FastifyReply, outcome: Outcome): void {
    const { raw } = reply
    if (outcome === 'complete') {
      this.#record(series, reply.statusCode, turn, reply)
      return
    }
    // The head of a reply that waits for its turn on the connection has been made, but not sent.
    const hasBegun = raw.headersSent && raw.socket !== null
    this.#aborts.count(series.method, series.route, hasBegun ? 'during_reply' : 'before_reply', outcome)
    this.#record(series, outcome === 'client' ? clientClosed : 500, turn, reply)
  }

  #record(method: MethodSeries, status: number, turn: Turn, reply: FastifyReply): void {
    const series = this.#custom
      ? this.#requests.series(method, status, this.#custom.of(reply.request, reply))
      : (method.byStatus.get(status) ?? this.#add(method, status))
    const seconds = (performance.now() - turn.startMs) / 1_000
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

function turnOf(request: FastifyRequest, reply: FastifyReply): Turn | undefined {
  return (reply.raw as Raw)[ownTurn] ?? turnOfConnection(request.raw, reply.raw)
}
