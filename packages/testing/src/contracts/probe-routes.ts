import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { waitFor } from '../wait-for.js'
import type { Register } from './lifecycle.js'

/**
 * Checks that a plugin leaves probe routes (`config: { steadfast: { probe: true } }`) alone. `noticed` tells how many
 * requests the plugin has acted on so far: counted, logged, limited or shed.
 * @throws AssertionError
 */
export async function checkProbeRoutes(
  register: Register,
  noticed: (app: FastifyInstance) => number | Promise<number>,
): Promise<void> {
  const app = Fastify()
  await register(app)
  const probe = `/${randomUUID()}`
  app.get(probe, { config: { steadfast: { probe: true } } as object }, async () => 'ok')
  app.get('/traffic', async () => 'ok')
  // A plugin may act a little after the answer.
  const ask = async (url: string, method: 'GET' | 'HEAD' = 'GET') => (await app.inject({ method, url })).statusCode
  const noticedOnce = async (before: number) => {
    await ask('/traffic')
    await waitFor(async () => (await noticed(app)) > before, { timeoutMs: 1_000 }).catch(() => {})
    return noticed(app)
  }
  try {
    const start = await noticed(app)
    const first = await noticedOnce(start)
    assert.ok(first > start, 'the plugin acts on ordinary requests, or this check would prove nothing')
    for (const method of ['GET', 'HEAD'] as const) {
      assert.equal(await ask(probe, method), 200, 'a probe gets the answer of its route')
    }
    const second = await noticedOnce(first)
    assert.equal(second - first, first - start, 'the plugin leaves probe routes alone')
  } finally {
    await app.close()
  }
}
