import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { cgroupCpu } from './cgroup/cpu.js'
import { cgroupMemory } from './cgroup/memory.js'
import { realClock } from './clock.js'
import { warnOfHeapLimit } from './heap-limit.js'
import { join } from './lifecycle.js'
import { watchLoad } from './load.js'
import { metricSource } from './metrics.js'
import { HealthMonitor } from './monitor.js'
import { type HealthOptions, resolveOptions } from './options.js'
import { addProbeRoutes } from './probe-routes.js'
import { startProbeServer, stopProbeServer } from './probe-server.js'
import { Watchdog } from './watchdog.js'

async function health(app: FastifyInstance, options: HealthOptions): Promise<void> {
  const { paths, listen, checks, load, blockedMs, gate, cgroupRoot } = resolveOptions(options, app.log)
  let server: Server | undefined
  // These hooks run in reverse: the probes answer until all else is closed.
  if (listen) app.addHook('onClose', async () => server && stopProbeServer(server))
  const shared = join(app)
  // A server of its own answers early, when nobody listens yet for the traffic that "ready" would bring.
  const isDeaf = () => listen !== undefined && shared.state === 'ready' && !app.server.listening
  const monitor = new HealthMonitor(() => (isDeaf() ? 'starting' : shared.state), realClock, app.log)
  for (const [name, check] of checks) monitor.add(name, check)
  app.decorate('health', monitor)
  shared.onState.add(monitor.look)
  if (listen) app.addHook('onListen', async () => monitor.look())
  app.addHook('onReady', async () => monitor.start())
  app.addHook('preClose', async () => monitor.stop())

  if (listen) server = await startProbeServer(listen, paths, monitor, gate, app.log)
  else await addProbeRoutes(app, paths, monitor, gate)

  const shed = load && (await watchLoad(app, load, monitor))
  const watchdog = blockedMs === undefined ? undefined : new Watchdog(blockedMs, app.log)
  if (watchdog) {
    app.addHook('onListen', async () => watchdog.start())
    app.addHook('onClose', () => watchdog.stop())
  }

  const memory = cgroupMemory(cgroupRoot)
  warnOfHeapLimit(memory()?.limitBytes, app.log)
  shared.metricSources.add(metricSource({ monitor, watchdog, shed, memory, cpu: cgroupCpu(cgroupRoot) }))
}

// Fastify 5.8.0 takes itself for 5.7.4: what is asked of it is in package.json.
const plugin: typeof health = fp(health, { fastify: '5.x', name: '@steadfast/health' })
export default plugin
