import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { AccessLog } from './access-log.js'
import { resolveAccessLog } from './access-options.js'
import { internalsOf, type SteadfastLogger } from './create-logger.js'
import { RegisteredTwiceError } from './errors.js'
import { join } from './lifecycle.js'
import { Logging } from './logging.js'
import { metricSource } from './metrics.js'
import { bindTrace, wiringOf } from './request-log.js'
import * as rules from './rules.js'
import { takeObject } from './rules.js'

export interface LoggingPluginOptions {
  /** What `createLogger` has made, the same that the app was made with. */
  logger: SteadfastLogger
}

async function logging(app: FastifyInstance, options: LoggingPluginOptions): Promise<void> {
  takeObject('the options', options, ['logger'], '')
  const internals = internalsOf(options.logger)
  if (!internals) return rules.refuse('logger', 'one that createLogger() has made', options.logger)
  if (app.hasDecorator('logging')) throw new RegisteredTwiceError()
  if (wiringOf(app.log) && internalsOf(app.log)?.root !== internals.root) {
    rules.refuse('logger', 'the one that fastifyLogging() was given', options.logger)
  }
  const shared = join(app)
  const accessLog = openAccessLog(app, internals)
  const log = new Logging(internals, () => accessLog?.lines ?? 0)
  app.decorate('logging', log)
  shared.metricSources.add(metricSource(log))
  // Why it can't be written was said on standard error.
  shared.onDrain.logs.push(() => log.flush().catch(() => {}))
  app.addHook('onClose', async () => log.stop())
}

/** Callbacks, for an async function would cost each request a promise. */
function openAccessLog(
  app: FastifyInstance,
  internals: NonNullable<ReturnType<typeof internalsOf>>,
): AccessLog | undefined {
  const wiring = wiringOf(app.log)
  if (wiring && !wiring.isControlled) {
    app.addHook('onRequest', (request, _reply, done) => {
      bindTrace(request)
      done()
    })
  }
  const given = wiring?.options ?? {}
  if (given === false) {
    if (wiring && !wiring.isControlled) app.addHook('onError', tellError)
    return undefined
  }
  const resolved = resolveAccessLog(given, Object.keys(internals.root.levels.values))
  const accessLog = new AccessLog(resolved, internals, wiring?.label ?? 'reqId')
  app.addHook('onError', (_request, reply, error, done) => {
    accessLog.fail(reply, error)
    done()
  })
  if (wiring) wiring.accessLog = accessLog
  if (wiring?.isControlled) return accessLog
  app.addHook('onRequest', (request, reply, done) => {
    accessLog.begin(request, reply)
    done()
  })
  app.addHook('onResponse', (_request, reply, done) => {
    accessLog.end(reply)
    done()
  })
  return accessLog
}

/** Before Fastify 5.10 it says nothing of errors itself, where it says nothing of requests. */
function tellError(request: FastifyRequest, reply: FastifyReply, error: FastifyError, done: () => void): void {
  const { statusCode = 500 } = error
  if (statusCode >= 500) request.log.error({ req: request, res: reply, err: error }, error.message)
  done()
}

const plugin: typeof logging = fp(logging, { fastify: '5.x', name: '@steadfast/logging' })
export default plugin
