import type { FastifyInstance, onSendHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { takeContext } from './contexts.js'
import { Engine } from './engine.js'
import { Gates } from './gates.js'
import { Headers } from './headers.js'
import { earlyHook, lateHook } from './hooks.js'
import { join } from './lifecycle.js'
import { AppLimiter } from './limiter.js'
import { addMetrics } from './metrics.js'
import { type LimiterOptions, resolveOptions } from './options.js'
import { Settlement } from './settle.js'
import { limitsOf } from './state.js'
import { warnOfTrustProxy } from './trust-proxy.js'

async function limiter(app: FastifyInstance, options: LimiterOptions): Promise<void> {
  const resolved = resolveOptions(options)
  takeContext(app)
  const shared = join(app)
  const engine = new Engine(resolved, app.log)
  const headers = new Headers(resolved.headers)
  const gates = new Gates(engine, headers, app.prefix)
  const settlement = new Settlement(engine, headers)
  const late = lateHook(gates)
  const settle: onSendHookHandler = function settleLimits(request, reply, payload, done) {
    settlement.run(request, reply, () => done(null, payload))
  }
  app.decorate('limiter', new AppLimiter(engine, gates))
  app.decorateRequest('limits', {
    getter() {
      return limitsOf(this)
    },
  })

  app.addHook('onRequest', earlyHook(gates, engine))
  // What few routes need is put on those alone.
  const { everywhere } = gates
  if (everywhere.late) app.addHook('preHandler', late)
  if (everywhere.settles) app.addHook('onSend', settle)
  app.addHook('onRoute', (route) => {
    const gate = gates.declare(route)
    if (gate.late && !everywhere.late) route.preHandler = [late, ...[route.preHandler ?? []].flat()]
    if (gate.settles && !everywhere.settles) route.onSend = [settle, ...[route.onSend ?? []].flat()]
  })

  app.addHook('onReady', async () => {
    await engine.start()
    warnOfTrustProxy(app, app.log)
  })
  shared.onDrain.flush.push(() => engine.flush())
  app.addHook('onClose', async () => engine.stop())
  addMetrics(app.server, shared.metricSources, () => engine.stats())
}

// Fastify 5.8.0 takes itself for 5.7.4: what is asked of it is in package.json.
const plugin: typeof limiter = fp(limiter, { fastify: '5.x', name: '@steadfast/limiter' })
export default plugin
