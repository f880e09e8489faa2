import type { FastifyRequest, RouteOptions } from 'fastify'
import { fail, flag, text } from '../given.js'
import type { ResolvedHttp } from '../options.js'
import type { RequestSeries } from './request-metrics.js'

/** For requests that no route takes, and their methods. */
export const unknownRoute = '__unknown__'
export const otherMethod = '__other__'

interface RouteConfig {
  url?: string
  steadfast?: { probe?: boolean }
  metrics?: false
  disableMetrics?: boolean
  statsId?: string
}

/** What a route's requests with one method are recorded into, by status. */
export interface MethodSeries {
  /** Of which app it is. */
  routes: Routes
  method: string
  route: string
  byStatus: Map<number, RequestSeries>
}

export interface Route {
  isIgnored: boolean
  label: string
  methods: Map<string, MethodSeries>
}

/** Routes, by the config object that each has. */
export class Routes {
  readonly #http: ResolvedHttp
  readonly #knownMethods: Set<string>
  readonly #routes = new WeakMap<object, Route>()
  /** All that no route takes: one label, whichever not-found handler answers. */
  readonly #unknown: Route = { isIgnored: false, label: unknownRoute, methods: new Map() }

  constructor(http: ResolvedHttp, knownMethods: Iterable<string>) {
    this.#http = http
    this.#knownMethods = new Set(knownMethods)
  }

  /** A route that is being declared. */
  declare({ config, url }: RouteOptions): Route {
    return this.#make({ ...config, url })
  }

  /** Where a request is recorded, if it is. Fastify makes an object anew to tell of the route, so few requests come here. */
  of(request: FastifyRequest): MethodSeries | undefined {
    const { config } = request.routeOptions
    let route = this.#routes.get(config)
    if (!route) {
      route = this.#make(config as RouteConfig)
      this.#routes.set(config, route)
    }
    return this.at(route, request.method)
  }

  /** Where the requests of a route with a method are recorded, if they are. */
  at(route: Route, method: string): MethodSeries | undefined {
    if (route.isIgnored) return undefined
    return route.methods.get(method) ?? this.#addMethod(route, method)
  }

  #make(config: RouteConfig): Route {
    const { url, steadfast, metrics, disableMetrics, statsId } = config
    const isIgnored =
      steadfast?.probe === true ||
      metrics === false ||
      disableMetrics === true ||
      this.#http.ignore.some((ignored) => (typeof ignored === 'string' ? ignored === url : ignored.test(url ?? '')))
    const label = statsId ?? url
    const isUnknown = label === undefined && !isIgnored
    return isUnknown ? this.#unknown : { isIgnored, label: label ?? unknownRoute, methods: new Map() }
  }

  #addMethod(route: Route, given: string): MethodSeries {
    // A route is only found by the methods that it has.
    const isKnown = route !== this.#unknown || this.#knownMethods.has(given)
    const method = isKnown ? given : otherMethod
    const series = route.methods.get(method) ?? { routes: this, method, route: route.label, byStatus: new Map() }
    route.methods.set(method, series)
    return series
  }
}

/**
 * @throws ERR_METRICS_OPTION if what a route's config says of metrics can't be used
 */
export function checkRoute({ config, url }: RouteOptions): void {
  const { metrics, disableMetrics, statsId } = (config ?? {}) as RouteConfig
  const of = `of route ${url}`
  if (metrics !== undefined && metrics !== false) fail(`config.metrics ${of}`, 'false, or not set', metrics)
  if (disableMetrics !== undefined && !flag.test(disableMetrics))
    fail(`config.disableMetrics ${of}`, flag.must, disableMetrics)
  if (statsId !== undefined && !text.test(statsId)) fail(`config.statsId ${of}`, text.must, statsId)
}
