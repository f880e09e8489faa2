import type { FastifyRequest } from 'fastify'
import type { Engine } from './engine.js'

/** What the lists say of a request; one that fails says nothing, so the limits hold. */
export function listed(
  request: FastifyRequest,
  { options: { allow, deny }, faults }: Engine,
): 'allow' | 'deny' | undefined {
  try {
    if (deny?.(request)) return 'deny'
  } catch (error) {
    faults.report('deny', error)
  }
  try {
    if (allow?.(request)) return 'allow'
  } catch (error) {
    faults.report('allow', error)
  }
  return undefined
}
