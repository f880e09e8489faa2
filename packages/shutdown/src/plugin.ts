import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { furtherServers } from './further-servers.js'
import { join, move } from './lifecycle.js'
import { takePart } from './listening.js'
import { resolveOptions, type ShutdownOptions } from './options.js'
import { Shutdown } from './shutdown.js'
import { say } from './voice.js'

/** A deploy that drops no request and loses no data. Register it first. @throws ERR_SHUTDOWN_OPTION */
async function plugin(app: FastifyInstance, options: ShutdownOptions): Promise<void> {
  const resolved = resolveOptions(options)
  const shared = join(app)
  const shutdown = new Shutdown(app, shared, resolved)
  const { connections, routes, webSockets } = shutdown
  const follow = (server: Server) => {
    shutdown.servers.push(server)
    connections.follow(server)
  }

  app.decorate('shutdown', {
    register: (name, run, hookOptions) => shutdown.register(name, run, hookOptions),
    begin: (reason) => shutdown.begin(reason),
    get state() {
      return shared.state
    },
  })
  shutdown.drainSignals.decorate(app)
  follow(app.server)
  app.server.once('listening', () => takePart(app, shutdown, resolved))

  app.addHook('onRoute', function (route) {
    routes.note(route)
    webSockets.note(this)
  })
  app.addHook('onReady', async () => {
    shutdown.phases.booted()
    webSockets.note(app)
    move(shared, 'ready', (err) => say(app.log, 'error', { err }, 'a listener failed: ready'))
    // What is added last is closed first: here before Fastify itself, which refuses requests from then on.
    const { onClose } = app as { onClose?: (close: () => Promise<void>) => void }
    onClose?.call(app, () => shutdown.close())
  })
  app.addHook('onListen', async () => furtherServers(app).forEach(follow))
  app.addHook('preClose', () => shutdown.close())
  app.addHook('onClose', () => shutdown.end())
}

/** `app.register(shutdown, options)`. Fastify 5.8.0 takes itself for 5.7.4: what is asked of it is in package.json. */
export const shutdown: typeof plugin = fp(plugin, { fastify: '5.x', name: '@steadfast/shutdown' })
