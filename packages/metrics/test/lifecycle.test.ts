import { checkLifecycle, checkQuiet, waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import metrics from '../src/index.js'
import { scrape, sumOf } from './exposition.js'

const full = (app: FastifyInstance) =>
  app.register(metrics, {
    endpoint: { port: 0, host: '127.0.0.1', bearer: 'secret' },
    http: { sizes: true, ttfb: true },
    exemplars: true,
  })

t.test('the contracts of docs/architecture.md', async (t) => {
  await t.resolves(checkLifecycle((app) => app.register(metrics)))
  await t.resolves(checkLifecycle(full))
  await t.resolves(checkQuiet((app) => app.register(metrics)))
  await t.resolves(checkQuiet(full))
})

t.test('what happens on the way out can be read at a port of its own until the end', async (t) => {
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => void lines.push(line) } } })
  await full(app)
  let [port, status] = [0, 0]
  app.addHook('onClose', async () => {
    const headers = { authorization: 'Bearer secret' }
    status = (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).status
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const line = await waitFor(() => lines.find((text) => text.includes('metrics can be read')))
  port = (JSON.parse(line) as { address: { port: number } }).address.port
  await app.close()
  t.equal(status, 200)
})

t.test('the process, by the names that prom-client gave', async (t) => {
  const app = Fastify()
  await app.register(metrics)
  await app.ready()
  const samples = await scrape(app)
  const value = (name: string, labels = {}) => sumOf(samples, name, labels)!
  t.ok(value('process_cpu_seconds_total') > 0)
  t.ok(Math.abs(value('process_start_time_seconds') - (Date.now() / 1_000 - process.uptime())) < 2)
  t.ok(Math.abs(value('process_resident_memory_bytes') / process.memoryUsage.rss() - 1) < 0.3)
  t.ok(value('process_virtual_memory_bytes') > value('process_resident_memory_bytes'))
  t.ok(value('process_heap_bytes') > 0)
  t.ok(value('process_open_fds') > 2 && value('process_open_fds') < value('process_max_fds'))
  t.equal(value('nodejs_version_info', { version: process.version }), 1)
  t.ok(value('nodejs_heap_size_used_bytes') < value('nodejs_heap_size_total_bytes'))
  t.ok(value('nodejs_heap_space_size_used_bytes', { space: 'old' }) > 0)
  t.ok(value('nodejs_external_memory_bytes') > 0)
  t.ok(value('nodejs_eventloop_active_seconds_total') > 0)
  await app.close()
})
