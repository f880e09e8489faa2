import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { AlertsOf } from './alerts.js'
import { Center } from './center.js'
import { localClaim } from './claim/claim.js'
import { RedisClaim } from './claim/redis.js'
import { RealClock } from './clock.js'
import { RegisteredTwiceError } from './errors.js'
import { Heartbeat } from './heartbeat.js'
import { join } from './lifecycle.js'
import { metricSource } from './metrics.js'
import { type AlertsOptions, resolveOptions } from './options.js'
import { Watches } from './rules/watches.js'
import { Requests } from './traffic/requests.js'

async function alerts(app: FastifyInstance, options: AlertsOptions): Promise<void> {
  const resolved = resolveOptions(options)
  if (app.hasDecorator('alerts')) throw new RegisteredTwiceError()
  const { service, channels, redis, rules } = resolved
  const names = channels.map(({ name }) => name)
  const clock = new RealClock()
  const claim = redis ? new RedisClaim(redis, service, names, clock, app.log) : localClaim
  const center = new Center(resolved, claim, clock, app.log)
  await Promise.all(channels.map((channel) => channel.start?.()))
  await center.open()
  const shared = join(app)
  app.decorate('alerts', new AlertsOf(center))
  shared.metricSources.add(metricSource(center))
  shared.onDrain.flush.push(() => center.flush())
  shared.onDrain.logs.push(() => center.close())

  const watches = new Watches(rules, center)
  const declared = new Set<string>()
  app.addHook('onRoute', ({ url }) => void declared.add(url))
  app.addHook('onReady', async () => watches.start((url) => declared.has(url) || hasRoute(app, url)))
  app.addHook('preClose', async () => watches.stop())
  if (watches.hasTraffic) {
    const requests = new Requests(watches.traffic)
    app.addHook('onRequest', function noteRequest(request, reply, done) {
      requests.note(request, reply)
      done()
    })
    app.addHook('onListen', async () => requests.start())
    app.addHook('onClose', async () => requests.stop())
  }

  if (resolved.heartbeat) {
    const heartbeat = new Heartbeat(resolved.heartbeat, app.log)
    app.addHook('onListen', async () => heartbeat.start())
    app.addHook('onClose', async () => heartbeat.stop())
  }
}

/** One that was declared before the plugin. */
function hasRoute(app: FastifyInstance, url: string): boolean {
  return app.supportedMethods.some((method) => app.hasRoute({ method: method as 'GET', url }))
}

// Fastify 5.8.0 takes itself for 5.7.4: what is asked of it is in package.json.
const plugin: typeof alerts = fp(alerts, { fastify: '5.x', name: '@steadfast/alerts' })
export default plugin
