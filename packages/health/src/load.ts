import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { UnderPressureError } from './errors.js'
import type { HealthMonitor } from './monitor.js'
import type { ResolvedLoad } from './options.js'

/** What the load is measured by, as @fastify/under-pressure names it. */
type Measured = ReturnType<FastifyInstance['memoryUsage']>

/**
 * Measures the load of the process, with @fastify/under-pressure in a context of its own, adds a check for it, and sheds
 * it where that is asked for.
 * @returns how many requests were turned away so far
 */
export async function watchLoad(
  app: FastifyInstance,
  { everyMs, maxEventLoopDelayMs, maxEventLoopUtilization, maxHeapUsedBytes, maxRssBytes, shed }: ResolvedLoad,
  monitor: HealthMonitor,
): Promise<{ requests: number } | undefined> {
  const limits: [name: keyof Measured, most: number | undefined, what: string][] = [
    ['eventLoopDelay', maxEventLoopDelayMs, 'event loop delay (ms)'],
    ['eventLoopUtilized', maxEventLoopUtilization, 'event loop utilization'],
    ['heapUsed', maxHeapUsedBytes, 'heap used (bytes)'],
    ['rssBytes', maxRssBytes, 'RSS (bytes)'],
  ]
  let measuring!: FastifyInstance
  await app.register(async function healthLoad(context) {
    await context.register(underPressure, {
      sampleInterval: everyMs,
      eventLoopUtilizationMode: 'interval', // the other one is an average since boot
      maxEventLoopDelay: maxEventLoopDelayMs ?? 0,
      maxEventLoopUtilization: maxEventLoopUtilization ?? 0,
      maxHeapUsedBytes: maxHeapUsedBytes ?? 0,
      maxRssBytes: maxRssBytes ?? 0,
    })
    measuring = context
  })
  monitor.add('load', {
    kind: 'degraded',
    everyMs,
    failAfter: 1,
    run() {
      const measured = measuring.memoryUsage()
      const over = limits.filter(([name, most]) => most !== undefined && measured[name] > most)
      const output = over
        .map(([name, most, what]) => `${what} is ${Math.round(measured[name] * 1_000) / 1_000}, above ${most}`)
        .join('; ')
      return { status: over.length > 0 ? 'fail' : 'pass', output }
    },
  })
  return shed && shedLoad(app, measuring.isUnderPressure, shed.retryAfterMs)
}

/** Turns requests away while the load is over a limit, and counts them; probes are let through. */
function shedLoad(app: FastifyInstance, isUnderPressure: () => boolean, retryAfterMs: number): { requests: number } {
  const shed = { requests: 0 }
  const { statusCode = 503, code, message } = new UnderPressureError()
  const body = JSON.stringify({ statusCode, code, error: 'Service Unavailable', message })
  const retryAfter = `${Math.ceil(retryAfterMs / 1_000)}`
  app.addHook('onRequest', function shedUnderPressure(request, reply, next) {
    if (!isUnderPressure() || isProbe(request)) return next()
    shed.requests++
    // Past the error handler, which would write a line for each into the log, at the worst of times.
    reply.code(statusCode).header('retry-after', retryAfter).type('application/json').send(body)
  })
  return shed
}

function isProbe({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as { steadfast?: { probe?: boolean } }).steadfast?.probe === true
}
