/** The work that every server of the ladder does, so that none is measured at another's. */

/** Where every link leads. */
export const target = 'https://example.com/'

/** The link that is asked for, where the server has no store of its own. */
export const path = '/2222222'
export const links: ReadonlyMap<string, string> = new Map([['2222222', target]])

/** What every redirect says, so that each visit comes by. */
export const cacheControl = 'private, no-store'

/** The header that names the client, as an API key does; limits are kept by its value. */
export const clientHeader = 'x-client'

/** Never reached, so that all requests are answered alike. */
export const limit = { max: 1_000_000_000, windowMs: 600_000 }

/** Upper bounds of the request duration histogram, in seconds: prom-client's defaults. */
export const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export const metricsPath = '/metrics'
export const healthPath = '/health'

/** What the ladder tells a server that it starts: which of the parts it has, and where they write. */
export interface ServerOptions {
  port: number
  parts: Part[]
  /** Whether the parts are set up as fast as their documentation allows, or as they come. */
  isTuned?: boolean
  redisUrl?: string
  /** Of its keys in Redis. */
  prefix?: string
  /** A folder of its own; a server with the part 'log' writes all its files there. */
  logFolder?: string
}

export type Part = 'alerts' | 'cache' | 'health' | 'limit' | 'log' | 'metrics' | 'shutdown'

export function serverOptions(): ServerOptions {
  return JSON.parse(process.argv[2]!) as ServerOptions
}
