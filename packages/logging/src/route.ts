import type { FastifyRequest } from 'fastify'

/** What a line says of a route, put together once. */
export interface RouteInfo {
  /** Its path as it was declared; undefined where no route was found. */
  path: string | undefined
  json: string
  isProbe: boolean
}

interface RouteConfig {
  url?: string
  steadfast?: { probe?: boolean }
}

const known = new WeakMap<object, RouteInfo>()
const notFound: RouteInfo = { path: undefined, json: '', isProbe: false }

/** Where Fastify keeps a request's route: its own getter makes an object of twelve fields each time. */
let place: symbol | undefined

export function routeOf(request: FastifyRequest): RouteInfo {
  place ??= Object.getOwnPropertySymbols(request).find(({ description }) => description === 'fastify.context')
  const context = place && (request as unknown as Record<symbol, { config?: RouteConfig }>)[place]
  const config = (context ? context.config : request.routeOptions.config) as RouteConfig | undefined
  if (!config) return notFound
  let info = known.get(config)
  if (!info) {
    const { url: path, steadfast } = config
    info = {
      path,
      json: path === undefined ? '' : `,"route":${JSON.stringify(path)}`,
      isProbe: steadfast?.probe === true,
    }
    known.set(config, info)
  }
  return info
}
