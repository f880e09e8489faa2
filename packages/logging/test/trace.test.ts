import { AsyncLocalStorage } from 'node:async_hooks'
import { join } from 'node:path'
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import Fastify from 'fastify'
import t from 'tap'
import logging, { createLogger, fastifyLogging } from '../src/index.js'
import { linesOf, logFiles, newFolder } from './log-files.js'

const storage = new AsyncLocalStorage<Context>()
const manager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, fn, self, ...args) => storage.run(active, () => fn.call(self as never, ...args)),
  bind: (_active, target) => target,
  enable: () => manager,
  disable: () => manager,
} as ContextManager

const within = <T>(traceId: string, fn: () => T): T => {
  const span = trace.wrapSpanContext({ traceId, spanId: '00f067aa0ba902b7', traceFlags: 1 })
  return context.with(trace.setSpan(ROOT_CONTEXT, span), fn)
}

t.test('the trace of the active span of OpenTelemetry, before that of the header', async (t) => {
  context.setGlobalContextManager(manager)
  t.teardown(() => context.disable())
  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log') }, console: false })
  const app = Fastify({ ...fastifyLogging(logger) })
  await app.register(logging, { logger })
  const [outer, inner, ofHeader] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string]
  app.get('/', async (request) => {
    request.log.info('in the handler')
    return 'ok'
  })
  // As @fastify/otel, whose span begins in a hook.
  app.get('/late', { preHandler: (_request, _reply, done) => within(inner, done) }, async (request) => {
    request.log.info('late')
    return 'ok'
  })
  const headers = { traceparent: `00-${ofHeader}-00f067aa0ba902b7-01` }
  await within(outer, async () => await app.inject({ url: '/', headers }))
  await app.inject({ url: '/late' })
  await app.inject({ url: '/', headers })
  await within('0'.repeat(32), async () => await app.inject({ url: '/', headers }))
  await app.inject({ url: '/', headers: { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` } })
  await app.close()
  await logger.close()
  const twice = (id: string | undefined) => [
    ['in the handler', id],
    ['request completed', id],
  ]
  t.same(
    linesOf(logFiles(folder)).map(({ msg, traceId }) => [msg, traceId]),
    [
      ...twice(outer),
      ['late', inner],
      ['request completed', inner],
      ...twice(ofHeader),
      ...twice(ofHeader),
      ...twice(undefined),
    ],
  )
})
