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
  const shared = join(app)
  shared.metricSources.add(metricSource(own))
  app.addHook('onReady', () => own.ready())
  // Answers still come after this; what they load is not waited for once 'flush' is over.
  shared.onDrain.flush.push(() => own.close())
}

// Fastify 5.8.0 takes itself for 5.7.4: what is asked of it is in package.json.
const plugin: typeof cache = fp(cache, { fastify: '5.x', name: '@steadfast/cache' })
export default plugin
