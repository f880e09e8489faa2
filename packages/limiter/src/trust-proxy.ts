import type { FastifyInstance } from 'fastify'
import type { Log } from './faults.js'

const warnings = new Map<unknown, string>([
  [true, 'believes whatever address a client claims to have, so everybody can leave his limit behind'],
  [1, 'may take the address of the proxy for that of every client, so all share one limit'],
])

/** Limits are kept by request.ip, which some settings make a lie of. Fastify does not tell of this option but by a symbol. */
export function warnOfTrustProxy(app: FastifyInstance, log: Log): void {
  const key = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.options')
  const options = key && (app as unknown as Record<symbol, { trustProxy?: unknown } | undefined>)[key]
  const trustProxy = options?.trustProxy
  const warning = warnings.get(typeof trustProxy === 'number' ? 1 : trustProxy)
  if (warning)
    log.warn({ trustProxy }, `Fastify's trustProxy: ${trustProxy} ${warning}; give it the addresses of the proxies`)
}
