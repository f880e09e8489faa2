import type { FastifyInstance } from 'fastify'
import { RegisteredTwiceError } from './errors.js'

/** Where an app has limiters. */
const contexts = new WeakMap<object, FastifyInstance[]>()

/**
 * A context's hooks hold for those within it too, also for those that were there before: one limiter within another would count twice.
 * @throws ERR_LIMITER_REGISTERED_TWICE
 */
export function takeContext(app: FastifyInstance): void {
  const known = contexts.get(app.server) ?? []
  // Fastify makes a context by Object.create of the one around it.
  const isWithin = known.some((other) => Object.prototype.isPrototypeOf.call(app, other))
  if (isWithin || app.hasDecorator('limiter')) throw new RegisteredTwiceError()
  contexts.set(app.server, [...known, app])
}
