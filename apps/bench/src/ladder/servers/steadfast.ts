/** Our plugins, each at its defaults. */
import { join } from 'node:path'
import Fastify from 'fastify'
import { cacheControl, clientHeader, healthPath, limit, links, serverOptions } from '../workload.js'

const { port, parts, isTuned = false, logFolder = '', redisUrl, prefix = '' } = serverOptions()

const log = parts.includes('log') ? await openLog() : undefined
const app = Fastify({ ...log?.options })
// What a server does not have, it does not load either: that would count as its memory and its start.
if (log) await app.register(log.plugin, { logger: log.logger })
if (parts.includes('shutdown')) await app.register((await import('@steadfast/shutdown')).default)
if (parts.includes('health')) {
  const { default: health } = await import('@steadfast/health')
  await app.register(health, { paths: { details: healthPath } })
}
if (parts.includes('cache')) {
  const { default: cache } = await import('@steadfast/cache')
  await app.register(cache, { defaults: { ttlMs: 60_000, negativeTtlMs: 60_000 } })
}
if (parts.includes('metrics')) await app.register((await import('@steadfast/metrics')).default)
if (parts.includes('limit')) {
  const { default: limiter } = await import('@steadfast/limiter')
  await app.register(limiter, {
    limit: limit.max,
    windowMs: limit.windowMs,
    lease: isTuned && {},
    key: (request) => request.headers[clientHeader] as string,
    ...(redisUrl && { redis: await newRedis(redisUrl), keyPrefix: prefix }),
  })
}
if (parts.includes('alerts')) {
  const { default: alerts } = await import('@steadfast/alerts')
  const rules = [
    { name: 'errors', severity: 'critical', on: 'errorRate', above: 0.05 },
    { name: 'slow', severity: 'error', on: 'p99Ms', above: 1_000 },
  ] as const
  await app.register(alerts, { service: 'bench', channels: [{ name: 'none', send() {} }], rules: [...rules] })
}

async function newRedis(url: string) {
  const { Redis } = await import('ioredis')
  return new Redis(url, { enableAutoPipelining: true })
}

async function openLog() {
  const { createLogger, default: plugin, fastifyLogging } = await import('@steadfast/logging')
  const logger = createLogger({ file: { path: join(logFolder, 'access.log') } })
  return { logger, plugin, options: fastifyLogging(logger) }
}

const isCaching = parts.includes('cache')

app.get<{ Params: { code: string } }>('/:code', async (request, reply) => {
  const { code } = request.params
  const target = isCaching ? await app.cache.getOrSet(code, () => links.get(code)) : links.get(code)
  if (target === undefined) return reply.callNotFound()
  reply.header('cache-control', cacheControl)
  return reply.redirect(target, 302)
})
await app.listen({ port, host: '127.0.0.1' })
