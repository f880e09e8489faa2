import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import prometheus from 'prom-client'
import { addEndpoint } from './endpoint.js'
import { startEndpointServer, stopEndpointServer } from './endpoint-server.js'
import { RegisteredTwiceError } from './errors.js'
import { Faults } from './faults.js'
import { hasEarlierHook } from './http/earlier-hooks.js'
import { RequestRecorder } from './http/recorder.js'
import { checkRoute } from './http/routes.js'
import { join } from './lifecycle.js'
import { Metrics } from './metrics.js'
import { type MetricsOptions, resolveOptions } from './options.js'
import { Runtime } from './runtime/runtime.js'

/** The http servers of apps that have metrics: contexts that are registered side by side share one. */
const counted = new WeakSet<object>()

async function metrics(app: FastifyInstance, options: MetricsOptions): Promise<void> {
  const { registry = new prometheus.Registry(), prefix, endpoint, http, maxSeries, ...rest } = resolveOptions(options)
  if (app.hasDecorator('metrics') || counted.has(app.server)) throw new RegisteredTwiceError()
  counted.add(app.server)
  let starting: Promise<Server> | undefined
  // These hooks run in reverse: what happens on the way out can still be read.
  app.addHook('onClose', async () => {
    const server = await starting?.catch(() => undefined) // why it failed is in the log
    if (server) await stopEndpointServer(server)
  })
  const shared = join(app)
  const faults = new Faults(app.log)
  const runtime = new Runtime(rest.runtime, prefix)
  const common = { prefix, maxSeries, faults, traceIdOf: rest.traceIdOf }
  const recorder = http && new RequestRecorder(http, app.supportedMethods, common)
  const own = new Metrics({
    registry,
    prefix,
    maxSeries,
    objective: rest.objective,
    hasGarbage: rest.runtime.gc,
    metrics: [...(recorder?.metrics ?? []), ...runtime.metrics],
    sources: [...(recorder ? [() => [recorder.inFlightFamily()]] : []), ...runtime.sources],
    joined: shared.metricSources,
    faults,
  })
  app.decorate('metrics', own)
  app.addHook('onReady', async () => runtime.start())
  app.addHook('onClose', async () => runtime.stop())

  if (recorder) {
    app.addHook('onRoute', (route) => {
      checkRoute(route)
      route.onRequest = [recorder.hookOf(route), ...[route.onRequest ?? []].flat()]
    })
    app.addHook('onRequest', function startMetrics(request, reply, done) {
      recorder.start(request, reply)
      done()
    })
    // What a hook before ours answers comes by here alone; as a hook costs every request, only where there is one.
    if (hasEarlierHook(app)) {
      app.addHook('onSend', function startMetricsLate(request, reply, _payload, done) {
        recorder.startLate(request, reply)
        done()
      })
    }
    app.addHook('onListen', async () => recorder.finishes.start())
    app.addHook('onClose', async () => recorder.finishes.stop())
  }

  if (endpoint?.listen) {
    const { listen } = endpoint
    app.addHook('onListen', async () => {
      starting = startEndpointServer(endpoint, listen, own.scraper)
      app.log.info({ address: (await starting).address() }, 'metrics can be read at a port of their own')
    })
  } else if (endpoint) addEndpoint(app, endpoint, own.scraper)
}

// Fastify 5.8.0 takes itself for 5.7.4: what is asked of it is in package.json.
const plugin: typeof metrics = fp(metrics, { fastify: '5.x', name: '@steadfast/metrics' })
export default plugin
