import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import metrics from '../src/index.js'

for (const isInContext of [false, true]) {
  t.test(`what a hook before it answers is counted, ${isInContext ? 'in a context' : 'at the root'}`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    app.addHook('onRequest', async (request, reply) => {
      if (request.headers.authorization === undefined) await reply.code(401).send()
    })
    const build = async (context: FastifyInstance) => {
      await context.register(metrics, { runtime: false })
      context.get('/a/:id', async () => 'a')
      context.get('/text', async () => `${(await context.metrics.render()).body}`)
    }
    if (isInContext) app.register(build)
    else await build(app)
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const authorization = 'Basic eA=='
    const statuses = []
    for (const headers of [{}, {}, { authorization }]) statuses.push((await fetch(`${url}/a/1`, { headers })).status)
    t.same(statuses, [401, 401, 200])
    const text = await (await fetch(`${url}/text`, { headers: { authorization } })).text()
    t.match(text, 'http_request_duration_seconds_count{method="GET",route="/a/:id",status_code="401"} 2\n')
    t.match(text, 'http_request_duration_seconds_count{method="GET",route="/a/:id",status_code="200"} 1\n')
    t.match(text, 'http_requests_in_flight 1\n', 'the one that asks')
  })
}
