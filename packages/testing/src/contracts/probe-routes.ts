import assert from 'node:assert/strict'
import Fastify, { type FastifyInstance } from 'fastify'
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
  app.get('/probe', { config: { steadfast: { probe: true } } as object }, async () => 'ok')
  app.get('/traffic', async () => 'ok')
  try {
    await app.inject('/traffic')
    const before = await noticed(app)
    assert.ok(before > 0, 'the plugin acts on ordinary requests, or this check would prove nothing')
    for (const method of ['GET', 'HEAD'] as const) await app.inject({ method, url: '/probe' })
    assert.equal(await noticed(app), before, 'the plugin leaves probe routes alone')
    await app.inject('/traffic')
    assert.ok((await noticed(app)) > before, 'and acts on ordinary requests after them')
  } finally {
    await app.close()
  }
}
