import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import Fastify from 'fastify'
import { waitFor } from '../wait-for.js'
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
  await assertNothingAdded(before, 'while it serves')
  await app.close()
  await assertNothingAdded(before, 'after close()')
}

/** What was there before may end meanwhile, and what only passes is given a moment. */
async function assertNothingAdded(before: unknown[], when: string): Promise<void> {
  const added = () => {
    const rest = [...before]
    return footprint().filter((item) => {
      const place = rest.indexOf(item)
      if (place >= 0) rest.splice(place, 1)
      return place < 0
    })
  }
  await waitFor(() => added().length === 0, { timeoutMs: 200 }).catch(() => {})
  assert.deepEqual(added(), [], when)
}

/** What a process holds that others can notice, or that keeps it alive: names of resources, and handlers themselves. */
function footprint(): unknown[] {
  const active = process.getActiveResourcesInfo().filter((kind) => !/^(FS|CloseReq)/.test(kind))
  const handlers = process.eventNames().flatMap((event) => process.listeners(event as 'exit'))
  return [...active, ...descriptors(), ...handlers]
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
}
