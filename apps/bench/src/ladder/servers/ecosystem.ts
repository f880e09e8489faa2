/** What teams put together by hand from Fastify's ecosystem, each part as its documentation shows it for production. */
import { join } from 'node:path'
import Fastify, { LogController } from 'fastify'
import {
  buckets,
  cacheControl,
  clientHeader,
  healthPath,
  limit,
  links,
  metricsPath,
  serverOptions,
} from '../workload.js'

const { port, parts, isTuned = false, redisUrl, prefix = '', logFolder = '' } = serverOptions()

const isLogging = parts.includes('log')
const app = Fastify({
  logger: isLogging ? { stream: await logStream() } : false,
  ...(isTuned && { logController: new LogController({ disableRequestLogging: true }) }),
})
if (isLogging && isTuned) addAccessLine()
// What a server does not have, it does not load either: that would count as its memory and its start.
if (parts.includes('health')) await addHealth()
if (parts.includes('metrics')) await addMetrics()
if (parts.includes('limit')) await addLimit()
const cache = parts.includes('cache') ? await newCache() : undefined

/** pino's page on asynchronous logging: a buffer of 4 KB, written when it is full, and now and then when it is not. */
async function logStream() {
  const { pino } = await import('pino')
  return pino.destination({ dest: join(logFolder, 'access.log'), minLength: 4_096, sync: false, periodicFlush: 500 })
}

/** One line for a request, with the fields of Fastify's two. */
function addAccessLine() {
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info({ req: request, res: reply, responseTime: reply.elapsedTime }, 'request completed')
    done()
  })
}

/** As its readme, but for the event loop's utilization: a server under full load would turn everybody away. */
async function addHealth() {
  const { default: underPressure } = await import('@fastify/under-pressure')
  await app.register(underPressure, {
    maxEventLoopDelay: 1_000,
    maxHeapUsedBytes: 1_000_000_000,
    maxRssBytes: 2_000_000_000,
    exposeStatusRoute: healthPath,
  })
}

async function addMetrics() {
  const { default: fastifyMetrics } = await import('fastify-metrics')
  const client = await import(isTuned ? '@platformatic/prom-client' : 'prom-client')
  const overrides = { histogram: { buckets } }
  const enabled = isTuned ? { histogram: true, summary: false } : true
  // It is CommonJS: its default export is one level down.
  await app.register(fastifyMetrics.default, {
    promClient: client.default,
    endpoint: metricsPath,
    routeMetrics: { enabled, overrides },
  })
}

async function addLimit() {
  const { default: rateLimit } = await import('@fastify/rate-limit')
  await app.register(rateLimit, {
    max: limit.max,
    timeWindow: limit.windowMs,
    enableDraftSpec: true,
    keyGenerator: (request) => request.headers[clientHeader] as string,
    ...(redisUrl && { redis: await newRedis(redisUrl), nameSpace: prefix, skipOnError: true }),
  })
}

/** With the options of @fastify/rate-limit's readme, and auto-pipelining, which halves the cost of a call. */
async function newRedis(url: string) {
  const { Redis } = await import('ioredis')
  return new Redis(url, { connectTimeout: 500, maxRetriesPerRequest: 1, enableAutoPipelining: true })
}

async function newCache() {
  const { LRUCache } = await import('lru-cache')
  return new LRUCache<string, string>({ max: 10_000, ttl: 60_000 })
}

function targetOf(code: string): string | undefined {
  const cached = cache?.get(code)
  if (cached !== undefined) return cached
  const target = links.get(code)
  if (target !== undefined) cache?.set(code, target)
  return target
}

app.get<{ Params: { code: string } }>('/:code', async (request, reply) => {
  const target = targetOf(request.params.code)
  if (target === undefined) return reply.callNotFound()
  reply.header('cache-control', cacheControl)
  return reply.redirect(target, 302)
})
await app.listen({ port, host: '127.0.0.1' })
