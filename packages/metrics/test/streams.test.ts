import { request as httpRequest } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import t from 'tap'
import metrics from '../src/index.js'
import { scrape, sumOf } from './exposition.js'

async function* slow(): AsyncGenerator<string | Buffer> {
  await sleep(200)
  for (let i = 0; i < 10; i++) {
    yield i % 2 ? 'ä'.repeat(500) : Buffer.alloc(1_000)
    await sleep(100)
  }
}

for (const http2 of [false, true]) {
  t.test(`HTTP/${http2 ? 2 : 1}: a stream of a second: first byte, duration, and bytes`, async (t) => {
    const app = Fastify({ ...((http2 ? { http2 } : {}) as object), forceCloseConnections: true })
    await app.register(metrics, { runtime: false, http: { sizes: true, ttfb: true } })
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
      payload.resume().on('end', () => done(null))
    })
    app.route({ method: ['GET', 'POST'], url: '/slow', handler: (_, reply) => reply.send(Readable.from(slow())) })
    app.get('/whole', async () => 'ä'.repeat(50))
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    t.teardown(() => app.close())
    const client = http2 ? connectHttp2(url) : undefined
    t.teardown(() => client?.destroy())
    const ask = (method: string, path: string, body?: Readable | Buffer) =>
      new Promise<void>((resolve, reject) => {
        const headers = {
          ...(body && { 'content-type': 'application/octet-stream' }),
          ...(body instanceof Buffer && { 'content-length': body.length }),
        }
        const sent = client
          ? client.request({ ...headers, ':method': method, ':path': path }, { endStream: !body })
          : httpRequest(url + path, { method, headers }, (response) => response.resume().on('end', resolve))
        sent.on('error', reject)
        if (client) (sent as Readable).resume().on('end', resolve)
        if (body instanceof Readable) body.pipe(sent)
        else if (body || !client) sent.end(body)
      })

    await ask('GET', '/slow')
    await ask('GET', '/whole')
    await ask('HEAD', '/whole')
    // Of a length that is told, and in chunks.
    await ask('POST', '/slow', Buffer.alloc(12_345))
    await ask('POST', '/slow', Readable.from([Buffer.alloc(1_000), Buffer.alloc(234)]))
    const count = 'http_request_duration_seconds_count'
    await waitFor(async () => sumOf(await scrape(app), count) === 5)
    const samples = await scrape(app)
    const sum = (name: string, method: string, route: string) => sumOf(samples, `${name}_sum`, { method, route })!
    const firstByte = sum('http_request_first_byte_seconds', 'GET', '/slow')
    t.ok(firstByte > 0.19 && firstByte < 0.7, `first byte after ${firstByte} s`)
    const duration = sum('http_request_duration_seconds', 'GET', '/slow')
    t.ok(duration > 1.1 && duration < 5, `all of it after ${duration} s`)
    t.equal(sum('http_response_size_bytes', 'GET', '/slow'), 10_000)
    t.equal(sum('http_response_size_bytes', 'GET', '/whole'), 100)
    t.equal(sum('http_response_size_bytes', 'HEAD', '/whole'), 0)
    t.equal(sum('http_request_size_bytes', 'GET', '/slow'), 0)
    t.equal(sum('http_request_size_bytes', 'POST', '/slow'), 12_345 + 1_234)
  })
}
