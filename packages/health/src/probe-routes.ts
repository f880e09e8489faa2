import type { FastifyInstance } from 'fastify'
import type { Gate } from './access.js'
import { answerTo, type Probe, sendTo } from './answer.js'
import type { HealthMonitor } from './monitor.js'

/**
 * Routes of the app for the probes. They are answered in a hook of a context of their own, so that hooks that are added
 * later don't come before it, and other requests don't pass by it.
 */
export async function addProbeRoutes(
  app: FastifyInstance,
  paths: Record<Probe, string>,
  monitor: HealthMonitor,
  gate: Gate,
): Promise<void> {
  await app.register(async function healthProbes(context) {
    context.addHook('onRequest', function answerHealthProbe(request, reply) {
      const { health: probe } = request.routeOptions.config as unknown as { health: Probe }
      const answer = answerTo(probe, monitor, request, gate)
      // Hooks of the root that are added later land in this context too, and onSend hooks expect what others have set up.
      reply.hijack()
      sendTo(reply.raw, answer, request.raw.method)
    })
    for (const [probe, url] of Object.entries(paths)) {
      context.route({
        method: context.supportedMethods,
        url,
        // The orchestrator asks every few seconds: no line in the access log for each.
        logLevel: 'warn',
        config: { health: probe, steadfast: { probe: true } } as object,
        handler: () => {},
      })
    }
  })
  app.addHook('onReady', async () => warnOfEarlierHooks(app))
}

/** A hook that stands before the probes can hold them up, or answer 401 to them. */
function warnOfEarlierHooks(app: FastifyInstance): void {
  // Few other routes answer TRACE.
  const routes = app.printRoutes({ includeHooks: true, method: 'TRACE' })
  const before = /\(onRequest\) \[(.+),"answerHealthProbe\(\)"/.exec(routes)?.[1]
  if (before) app.log.warn(`onRequest hooks run before the health probes: ${before}; register @steadfast/health first`)
}
