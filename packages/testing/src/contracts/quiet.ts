import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import Fastify from 'fastify'
import type { Register } from './lifecycle.js'

/**
 * Checks that a plugin in an app that only ever sees `inject()` opens no port, installs no signal handler, starts no
 * thread, and leaves no timer that keeps the process alive, neither while it serves nor after `close()`.
 * @throws AssertionError
 */
export async function checkQuiet(register: Register): Promise<void> {
  const before = await footprint()
  const app = Fastify()
  await register(app)
  app.get('/', async () => 'ok')
  await app.inject('/')
  assert.deepEqual(await footprint(), before, 'while it serves')
  await app.close()
  assert.deepEqual(await footprint(), before, 'after close()')
}

/** What a process holds that others can notice, or that keeps it alive. */
async function footprint(): Promise<Record<string, unknown>> {
  await new Promise((resolve) => setTimeout(resolve, 20)) // what was only passing is over
  const active = process.getActiveResourcesInfo().filter((kind) => !/^(FS|CloseReq)/.test(kind))
  const handlers = process.eventNames().flatMap((event) => process.listeners(event as 'exit').map((f) => [event, f]))
  return { active: active.sort(), descriptors: descriptors(), handlers }
}

/** Sockets of every kind, watched files, and the event loops of threads; unref'd or not. Linux alone tells. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return '' // the one that read the folder
      }
    })
    .filter((target) => /^(socket:|anon_inode:)/.test(target))
    .sort()
}
