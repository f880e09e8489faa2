/** The redirect and nothing else, on the same framework: what the rest is compared with. */
import Fastify from 'fastify'
import { cacheControl, links, serverOptions } from '../workload.js'

const app = Fastify()
app.get<{ Params: { code: string } }>('/:code', async (request, reply) => {
  const target = links.get(request.params.code)
  if (target === undefined) return reply.callNotFound()
  reply.header('cache-control', cacheControl)
  return reply.redirect(target, 302)
})
await app.listen({ port: serverOptions().port, host: '127.0.0.1' })
