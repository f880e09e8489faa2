import { resolve } from 'node:path'
import { freePort, type OwnRedis, startRedis, uniquePrefix } from '@steadfast/testing'
import type { Rung } from './measure.js'
import type { Program } from './server-process.js'
import { shortener } from './shortener.js'
import { type Part, path } from './workload.js'

const all: Part[] = ['cache', 'health', 'limit', 'log', 'metrics']
const seven: Part[] = [...all, 'alerts', 'shutdown']

/** The first is what the others are compared with; the last is the same, at the other end of each round. */
export const rungs: Rung[] = [
  rung('bare', 'Fastify, one route that redirects', 'bare', []),
  rung('shutdown', '@steadfast/shutdown', 'steadfast', ['shutdown']),
  rung('health', '@steadfast/health', 'steadfast', ['health']),
  rung('logging', '@steadfast/logging: one access line into a file', 'steadfast', ['log']),
  rung('metrics', '@steadfast/metrics', 'steadfast', ['metrics']),
  rung('limiter', '@steadfast/limiter in memory', 'steadfast', ['limit']),
  rung('limiter-redis', '@steadfast/limiter in Redis, auto-pipelined', 'steadfast', ['limit'], { redis: true }),
  rung('limiter-leased', 'the same with leases', 'steadfast', ['limit'], { redis: true, isTuned: true }),
  rung('limiter-leased-10k', 'the same, 10,000 clients, once each has come several times', 'steadfast', ['limit'], {
    redis: true,
    clients: 10_000,
    isTuned: true,
    warmUpSeconds: 5,
  }),
  rung('cache', '@steadfast/cache before the look-up', 'steadfast', ['cache']),
  rung('alerts', '@steadfast/alerts with rules on errors and p99', 'steadfast', ['alerts']),
  rung('steadfast', 'all seven @steadfast plugins, limits in memory', 'steadfast', seven),
  rung('steadfast-redis', 'the same, limits in Redis, leased', 'steadfast', seven, { redis: true, isTuned: true }),
  rung('lru-cache', 'lru-cache before the look-up', 'ecosystem', ['cache']),
  rung('under-pressure', '@fastify/under-pressure with a status route', 'ecosystem', ['health']),
  rung('rate-limit', '@fastify/rate-limit in memory', 'ecosystem', ['limit']),
  rung('rate-limit-redis', '@fastify/rate-limit in Redis, auto-pipelined', 'ecosystem', ['limit'], { redis: true }),
  rung('fastify-metrics', 'fastify-metrics as it comes: histogram and summary', 'ecosystem', ['metrics']),
  rung('fastify-metrics-tuned', 'histogram alone, @platformatic/prom-client', 'ecosystem', ['metrics'], {
    isTuned: true,
  }),
  rung('pino-file', 'Fastify’s request log by pino into a file: two lines', 'ecosystem', ['log']),
  rung('pino-file-tuned', 'the same in one line, by an onResponse hook', 'ecosystem', ['log'], { isTuned: true }),
  rung('ecosystem', 'all these together, as they come, limits in memory', 'ecosystem', all),
  rung('ecosystem-redis', 'the same, limits in Redis', 'ecosystem', all, { redis: true }),
  rung('ecosystem-redis-10k', 'the same, 10,000 clients', 'ecosystem', all, { redis: true, clients: 10_000 }),
  rung('ecosystem-redis-tuned', 'the same, one client, metrics and log tuned', 'ecosystem', all, {
    redis: true,
    isTuned: true,
  }),
  rung('express', 'Express 4 with winston, express-rate-limit in Redis, prom-client, node-cache', 'express', all, {
    redis: true,
  }),
  shortener,
  rung('bare-again', 'bare once more: what the measurement itself is worth', 'bare', []),
]

function rung(
  name: string,
  about: string,
  server: string,
  parts: Part[],
  {
    redis = false,
    clients = 1,
    isTuned = false,
    warmUpSeconds = 3,
  }: { redis?: boolean; clients?: number; isTuned?: boolean; warmUpSeconds?: number } = {},
): Rung {
  const file = resolve(import.meta.dirname, `servers/${server}.js`)
  let ownRedis: Promise<OwnRedis> | undefined
  async function program(logFolder: string): Promise<Program> {
    const port = await freePort()
    if (redis) ownRedis ??= startRedis({ own: true })
    const options = { port, parts, isTuned, redisUrl: (await ownRedis)?.url, prefix: uniquePrefix(), logFolder }
    return { file, args: [JSON.stringify(options)], url: new URL(path, `http://127.0.0.1:${port}`) }
  }
  const release = async () => (await ownRedis)?.release()
  return { name, about, parts, clients, warmUpSeconds, servers: redis ? ['redis'] : [], program, release }
}
