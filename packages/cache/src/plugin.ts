import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { WholeCache } from './create.js'
import { RegisteredTwiceError } from './errors.js'
import { join } from './lifecycle.js'
import { metricSource } from './metrics.js'
import { type CacheOptions, resolveOptions } from './options.js'

async function cache(app: FastifyInstance, options: CacheOptions): Promise<void> {
  if (app.hasDecorator('cache')) throw new RegisteredTwiceError()
  const own = new WholeCache(resolveOptions(options), app.log)
  app.decorate('cache', own)
  // Whoever runs the phases, it ends with the app at the latest: hooks run in reverse.
  app.addHook('onClose', () => own.close())
  const shared = join(app)
  shared.metricSources.add(metricSource(own))
  app.addHook('onReady', () => own.ready())
  // After the last answer, while its clients are still open.
  shared.onDrain.flush.push(() => own.close())
}

// Fastify 5.8.0 takes itself for 5.7.4: what is asked of it is in package.json.
const plugin: typeof cache = fp(cache, { fastify: '5.x', name: '@steadfast/cache' })
export default plugin
