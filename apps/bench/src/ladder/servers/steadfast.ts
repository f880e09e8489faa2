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
if (parts.includes('metrics')) await app.register((await import('@steadfast/metrics')).default)
if (parts.includes('alerts')) {
  const { default: alerts } = await import('@steadfast/alerts')
  const rules = [
    { name: 'errors', severity: 'critical', on: 'errorRate', above: 0.05 },
    { name: 'slow', severity: 'error', on: 'p99Ms', above: 1_000 },
  ] as const
  await app.register(alerts, { service: 'bench', channels: [{ name: 'none', send() {} }], rules: [...rules] })
}

app.get<{ Params: { code: string } }>('/:code', async (request, reply) => {
  const target = links.get(request.params.code)
  if (target === undefined) return reply.callNotFound()
  reply.header('cache-control', cacheControl)
  return reply.redirect(target, 302)
})
await app.listen({ port, host: '127.0.0.1' })
