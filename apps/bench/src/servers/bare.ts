/** The redirect and nothing else, on the same framework: what the rest is compared with. */
import Fastify from 'fastify'

const app = Fastify()
app.get('/:code', async (_request, reply) => {
  reply.header('cache-control', 'private, no-store')
  return reply.redirect('https://example.com/', 302)
})
console.log(`Server listening at ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
