import type { FastifyRequest } from 'fastify'
import { isAscii } from './plain.js'
import type { Scrub } from './secrets/scrubber.js'

/** What a line says of a route, put together once. */
export interface RouteInfo {
  /** Its path as it was declared; undefined where no route was found. */
  path: string | undefined
  json: string
  isAscii: boolean
  isProbe: boolean
  /** What follows the path in the last line that it had: most answers of a route are alike. */
  last: { addressText: string; status: number; bytes: number; text: string }
}

interface RouteConfig {
  url?: string
  steadfast?: { probe?: boolean }
}

/** Where Fastify keeps a request's route: its own getter makes an object of twelve fields each time. */
let place: symbol | undefined

/** The routes that requests came for. */
export class Routes {
  readonly #scrub: Scrub
  readonly #known = new WeakMap<object, RouteInfo>()
  readonly #notFound: RouteInfo
  /** The last that was asked for: a request asks several times. */
  #config: RouteConfig | undefined
  #info: RouteInfo | undefined

  constructor(scrub: Scrub) {
    this.#scrub = scrub
    this.#notFound = this.#describe({})
  }

  of(request: FastifyRequest): RouteInfo {
    place ??= Object.getOwnPropertySymbols(request).find(({ description }) => description === 'fastify.context')
    const context = place && (request as unknown as Record<symbol, { config?: RouteConfig }>)[place]
    const config = (context ? context.config : request.routeOptions.config) as RouteConfig | undefined
    if (!config) return this.#notFound
    if (config === this.#config) return this.#info!
    let info = this.#known.get(config)
    if (!info) {
      info = this.#describe(config)
      this.#known.set(config, info)
    }
    this.#config = config
    this.#info = info
    return info
  }

  #describe({ url: path, steadfast }: RouteConfig): RouteInfo {
    const json = path === undefined ? '' : this.#scrub(`,"route":${JSON.stringify(path)}`)
    return {
      path,
      json,
      isAscii: isAscii(json),
      isProbe: steadfast?.probe === true,
      last: { addressText: '', status: 0, bytes: -1, text: '' },
    }
  }
}
