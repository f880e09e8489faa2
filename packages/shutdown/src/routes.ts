import type { FastifyInstance, RouteOptions } from 'fastify'
import findMyWay, { type HTTPMethod } from 'find-my-way'
import { wholeMs } from './connections.js'
import type { InFlight } from './in-flight.js'
import type { RequestReport } from './report.js'

/** The routes of an app, as declared: for the report to name them. Nothing is looked up while requests are served. */
export class Routes {
  readonly #declared: { methods: string[]; url: string }[] = []
  readonly #app: FastifyInstance

  constructor(app: FastifyInstance) {
    this.#app = app
  }

  note({ method, url }: Pick<RouteOptions, 'method' | 'url'>): void {
    this.#declared.push({ methods: [method].flat(), url })
  }

  report(inFlight: InFlight[]): RequestReport[] {
    const routeOf = inFlight.length > 0 ? this.#finder() : () => undefined
    return inFlight.map(({ raw, startedMs }) => {
      const { method = '', url = '' } = raw
      const path = url.split('?', 1)[0]!
      return { method, route: routeOf(method, path) ?? path, ageMs: (wholeMs() - startedMs) | 0 }
    })
  }

  /** Fastify's own router, once more: it can't be asked which route a path leads to. */
  #finder(): (method: string, path: string) => string | undefined {
    const { caseSensitive, ignoreTrailingSlash, ignoreDuplicateSlashes } = this.#app.initialConfig.routerOptions ?? {}
    const given = Object.entries({ caseSensitive, ignoreTrailingSlash, ignoreDuplicateSlashes })
    const router = findMyWay(Object.fromEntries(given.filter(([, value]) => value !== undefined)))
    for (const { methods, url } of this.#declared) {
      for (const method of methods as HTTPMethod[]) {
        try {
          router.on(method, url, () => {}, url)
        } catch {
          // the same for another version or host, or a method that only this app knows
        }
      }
    }
    return (method, path) => router.find(method as HTTPMethod, path)?.store as string | undefined
  }
}
