import type { FastifyInstance } from 'fastify'
import { bootWarnings } from './boot-warnings.js'
import { tellReady } from './managers.js'
import type { ResolvedOptions } from './options.js'
import { processOwner } from './owner.js'
import type { Shutdown } from './shutdown.js'
import { say } from './voice.js'

/** What an app that listens does to its process: it takes part in the signals, and tells who supervises it. */
export function takePart(app: FastifyInstance, shutdown: Shutdown, options: ResolvedOptions): void {
  const owner = processOwner()
  const member = {
    ...options,
    hearsMessages: options.managers.includes('pm2') || options.managers.includes('cluster'),
    end: async (reason: string) => (await shutdown.begin(reason)).clean,
    note: (error: unknown) => shutdown.note(error),
    say: say.bind(undefined, app.log),
  }
  owner.add(member)
  shutdown.connections.startClock()
  shutdown.onEnd = () => {
    shutdown.connections.stopClock()
    owner.remove(member)
  }
  for (const { code, message } of bootWarnings(options, process.pid)) {
    if (owner.warned.has(code)) continue
    owner.warned.add(code)
    member.say('warn', { code }, message)
  }
  tellReady(options.managers, (err) => member.say('warn', { err }, 'systemd was not told'))
}
