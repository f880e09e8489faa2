import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks' // the global is a getter
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Sampler } from '../rules/sampler.js'
import type { RouteTraffic, Traffic } from '../rules/traffic.js'
import { ConfigOf } from './config-of.js'

interface RouteConfig {
  url?: string
  steadfast?: { probe?: boolean }
}

/** Follows requests to their end: all of a route, as long as they are few, and some of more. */
export class Requests {
  readonly #traffic: Traffic
  /** By the config that each route has; undefined for probes. */
  readonly #routes = new WeakMap<object, { traffic: RouteTraffic | undefined }>()
  readonly #configOf = new ConfigOf()
  /** The last that was asked for: most requests are for few routes. */
  #config: object | undefined
  #route: RouteTraffic | undefined
  readonly #unused = new Sampler()
  #sampler: Sampler = this.#unused
  #timer: NodeJS.Timeout | undefined

  constructor(traffic: Traffic) {
    this.#traffic = traffic
  }

  start(): void {
    this.#timer = setInterval(() => this.#traffic.adjust(), 1_000).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** At the first onRequest. */
  note(request: FastifyRequest, reply: FastifyReply): void {
    const config = this.#configOf.of(request)
    if (config !== this.#config) this.#turnTo(config)
    if (this.#sampler.isNext()) this.#follow(reply.raw)
  }

  #turnTo(config: object): void {
    this.#config = config
    this.#route = (this.#routes.get(config) ?? this.#add(config)).traffic
    this.#sampler = this.#route?.sampler ?? this.#unused
  }

  #add(config: object): { traffic: RouteTraffic | undefined } {
    const { url, steadfast } = config as RouteConfig
    const entry = { traffic: steadfast?.probe === true ? undefined : this.#traffic.routeOf(url) }
    this.#routes.set(config, entry)
    return entry
  }

  /** One that is broken off before its answer has lasted as long as it did, and is no failure of ours. */
  #follow(response: ServerResponse): void {
    const route = this.#route
    if (!route) return
    const weight = route.sampler.follow()
    const startMs = performance.now()
    response.once('close', () => {
      const isError = response.writableEnded && response.statusCode >= 500
      this.#traffic.record(route, performance.now() - startMs, isError, weight)
    })
  }
}
