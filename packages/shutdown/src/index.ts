import type { HookFunction } from './hooks.js'
import type { State } from './lifecycle.js'
import type { HookOptions } from './options.js'
import { shutdown } from './plugin.js'
import type { ShutdownReport } from './report.js'

export type { HookFunction } from './hooks.js'
export type { DrainPhase, State } from './lifecycle.js'
export type { HookOptions, Manager, ShutdownOptions } from './options.js'
export type {
  ConnectionsReport,
  ErrorReport,
  HookReport,
  RequestReport,
  ShutdownReport,
} from './report.js'
export default shutdown

declare module 'fastify' {
  interface FastifyInstance {
    shutdown: {
      /**
       * Has something done on the way out.
       * @throws ERR_SHUTDOWN_HOOK, ERR_SHUTDOWN_HOOK_DUPLICATE, ERR_SHUTDOWN_HOOK_CYCLE, ERR_SHUTDOWN_HOOK_LATE, and, when the
       * app is ready, ERR_SHUTDOWN_HOOK_AFTER
       */
      register(name: string, run: HookFunction, options: HookOptions): void
      /** Drains and closes the app, with its delay. Does not end the process. Never rejects; once begun, tells of the same. */
      begin(reason?: string): Promise<ShutdownReport>
      readonly state: State
    }
  }
  interface FastifyRequest {
    /** Made where it is first read. Aborts a little before a request is cut at the deadline. */
    readonly drainSignal: AbortSignal
  }
}
