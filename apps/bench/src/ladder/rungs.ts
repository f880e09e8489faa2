import { resolve } from 'node:path'
import { freePort, startRedis, uniquePrefix } from '@steadfast/testing'
import type { Rung } from './measure.js'
import type { Program } from './server-process.js'
import { shortener } from './shortener.js'
import { type Part, path } from './workload.js'

const all: Part[] = ['cache', 'health', 'limit', 'log', 'metrics']

/** The first is what the others are compared with. */
export const rungs: Rung[] = [
  rung('bare', 'Fastify, one route that redirects', 'bare', []),
  rung('bare-again', 'the same once more: what the measurement itself is worth', 'bare', []),
  rung('lru-cache', 'lru-cache before the look-up', 'ecosystem', ['cache']),
  rung('under-pressure', '@fastify/under-pressure with a status route', 'ecosystem', ['health']),
  rung('rate-limit', '@fastify/rate-limit in memory', 'ecosystem', ['limit']),
  rung('rate-limit-redis', '@fastify/rate-limit in Redis, auto-pipelined', 'ecosystem', ['limit'], { redis: true }),
  rung('fastify-metrics', 'fastify-metrics: histogram and summary', 'ecosystem', ['metrics']),
  rung('pino-file', 'Fastify’s request log by pino into a file, asynchronous', 'ecosystem', ['log']),
  rung('ecosystem', 'all these together, limits in memory', 'ecosystem', all),
  rung('ecosystem-redis', 'the same, limits in Redis', 'ecosystem', all, { redis: true }),
  rung('ecosystem-redis-10k', 'the same, 10,000 clients', 'ecosystem', all, { redis: true, clients: 10_000 }),
  rung('express', 'Express 4 with winston, express-rate-limit in Redis, prom-client, node-cache', 'express', all, {
    redis: true,
  }),
  shortener,
]

function rung(
  name: string,
  about: string,
  server: string,
  parts: Part[],
  { redis = false, clients = 1 }: { redis?: boolean; clients?: number } = {},
): Rung {
  const file = resolve(import.meta.dirname, `servers/${server}.js`)
  async function program(logFolder: string): Promise<Program> {
    const port = await freePort()
    const redisUrl = redis ? (await startRedis()).url : undefined
    const options = { port, parts, redisUrl, prefix: uniquePrefix(), logFolder }
    return { file, args: [JSON.stringify(options)], url: new URL(path, `http://127.0.0.1:${port}`) }
  }
  return { name, about, parts, clients, servers: redis ? ['redis'] : [], program }
}
