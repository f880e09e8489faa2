import type { FastifyInstance } from 'fastify'

/**
 * Whether an onRequest hook stands before those that are added now. Fastify keeps its hooks behind a symbol of its own; where
 * that is not found, one may.
 */
export function hasEarlierHook(app: FastifyInstance): boolean {
  for (let owner: object | null = app; owner; owner = Object.getPrototypeOf(owner)) {
    const key = Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'fastify.hooks')
    if (key) return (app as unknown as Record<symbol, { onRequest?: unknown[] }>)[key]?.onRequest?.length !== 0
  }
  return true
}
