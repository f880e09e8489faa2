import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import limiter, { type LimiterOptions } from '../src/index.js'
import { Fastify } from './fastify.js'

/** An app with a limiter and one route, closed at the end of the test. */
export async function appWith(
  t: Test,
  options: LimiterOptions,
  server: FastifyServerOptions = {},
): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(limiter, options)
  app.get('/', async () => 'ok')
  return app
}

/** The status codes of so many requests, one after the other. */
export async function codes(app: FastifyInstance, count: number, url = '/', headers = {}): Promise<number[]> {
  const all: number[] = []
  for (let i = 0; i < count; i++) all.push((await app.inject({ url, headers })).statusCode)
  return all
}
