/** Our plugins, each at its defaults. */
import Fastify from 'fastify'
import { cacheControl, healthPath, links, serverOptions } from '../workload.js'

const { port, parts } = serverOptions()

const app = Fastify()
// What a server does not have, it does not load either: that would count as its memory and its start.
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

const isCaching = parts.includes('cache')

app.get<{ Params: { code: string } }>('/:code', async (request, reply) => {
  const { code } = request.params
  const target = isCaching ? await app.cache.getOrSet(code, () => links.get(code)) : links.get(code)
  if (target === undefined) return reply.callNotFound()
  reply.header('cache-control', cacheControl)
  return reply.redirect(target, 302)
})
await app.listen({ port, host: '127.0.0.1' })
