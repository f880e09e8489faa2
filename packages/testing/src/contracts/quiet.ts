import assert from 'node:assert/strict'
import Fastify from 'fastify'
import type { Register } from './lifecycle.js'

/**
 * Checks that a plugin in an app that only ever sees `inject()` opens no port, installs no signal handler, starts no
 * thread, and leaves no timer that keeps the process alive, neither while it serves nor after `close()`.
 * @throws AssertionError
 */
export async function checkQuiet(register: Register): Promise<void> {
  const before = footprint()
  const app = Fastify()
  await register(app)
  app.get('/', async () => 'ok')
  await app.inject('/')
  assert.deepEqual(footprint(), before, 'while it serves')
  await app.close()
  assert.deepEqual(footprint(), before, 'after close()')
}

function footprint(): Record<string, unknown> {
  // Only what keeps the process alive is listed: a timer that is unref'd is not.
  const kinds = ['TCPServerWrap', 'MessagePort', 'Timeout', 'ProcessWrap']
  const active = process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind))
  const listeners = process.eventNames().map((event) => `${process.listenerCount(event)} for ${String(event)}`)
  return { active: active.sort(), listeners: listeners.sort() }
}
