import { bucketOf } from './buckets.js'
import { Sampler } from './sampler.js'
import { Window } from './window.js'

/** What the requests of a route are recorded into. */
export interface RouteTraffic {
  windows: Window[]
  sampler: Sampler
}

/** Which windows are kept. */
export interface WindowWish {
  windowMs: number
  hasDurations: boolean
  /** One for each route, or for one route; else one for all. */
  scope: 'app' | 'routes' | { route: string }
}

/** The windows of an app: one for each length of time and route, whichever rules read them. */
export class Traffic {
  readonly #wishes: readonly WindowWish[]
  readonly #hasDurations: boolean
  readonly #windows = new Map<string, Window>()
  readonly #routes = new Map<string, RouteTraffic>()
  /** For requests that no route takes. */
  readonly #unrouted: RouteTraffic

  constructor(wishes: readonly WindowWish[]) {
    this.#wishes = wishes
    this.#hasDurations = wishes.some(({ hasDurations }) => hasDurations)
    this.#unrouted = { windows: this.#make(undefined), sampler: new Sampler() }
  }

  /** @param route its template; undefined for what no route takes */
  routeOf(route: string | undefined): RouteTraffic {
    if (route === undefined) return this.#unrouted
    const known = this.#routes.get(route)
    if (known) return known
    const traffic = { windows: this.#make(route), sampler: new Sampler() }
    this.#routes.set(route, traffic)
    return traffic
  }

  /** @param weight how many requests this one stands for */
  record({ windows }: RouteTraffic, durationMs: number, isError: boolean, weight = 1): void {
    if (windows.length === 0) return
    const bucket = this.#hasDurations ? bucketOf(durationMs) : 0
    for (const window of windows) window.record(bucket, isError, weight)
  }

  /** The windows of a rule, by route. */
  of({ windowMs, scope }: Pick<WindowWish, 'windowMs' | 'scope'>): [route: string | undefined, window: Window][] {
    if (scope === 'app') return [[undefined, this.#window(undefined, windowMs)]]
    const routes = scope === 'routes' ? [...this.#routes.keys()] : [scope.route]
    return routes.map((route) => [route, this.#window(route, windowMs)])
  }

  /** A second has passed. */
  adjust(): void {
    this.#unrouted.sampler.adjust()
    for (const { sampler } of this.#routes.values()) sampler.adjust()
  }

  /** A slice of these windows' time has passed. */
  advance(windowMs: number): void {
    for (const window of this.#windows.values()) if (window.windowMs === windowMs) window.advance()
  }

  #make(route: string | undefined): Window[] {
    const windows = this.#wishes.flatMap(({ windowMs, scope }) => {
      if (scope === 'app') return [this.#window(undefined, windowMs)]
      return route !== undefined && (scope === 'routes' || scope.route === route) ? [this.#window(route, windowMs)] : []
    })
    return [...new Set(windows)]
  }

  #window(route: string | undefined, windowMs: number): Window {
    const id = JSON.stringify([route ?? null, windowMs])
    const known = this.#windows.get(id)
    if (known) return known
    const hasDurations = this.#wishes.some((wish) => wish.windowMs === windowMs && wish.hasDurations)
    const window = new Window(windowMs, hasDurations)
    this.#windows.set(id, window)
    return window
  }
}
