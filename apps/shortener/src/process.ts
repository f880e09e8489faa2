import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { buildApp } from './app.js'
import type { Config } from './config.js'
import type { Database } from './database/database.js'
import { ListenError } from './errors.js'

const graceMs = 1_000
const deadlineMs = 2_500

/**
 * Serves until SIGINT or SIGTERM; then what is in flight gets its answer, the database is closed, and the process exits 0.
 * @throws ERR_SHORTENER_LISTEN
 */
export async function serve(config: Config, database: Database, log: Logger): Promise<void> {
  const app = buildApp(config, database, log)
  closeWithGrace({ delay: deadlineMs, logger: log, skip: ['SIGHUP', 'SIGUSR2'] }, async ({ err }) => {
    if (err) log.fatal(err)
    // Fastify waits for idle and half-sent connections as well; those get no longer than a request in flight.
    const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
    await app.close()
    clearTimeout(timer)
    await database.close()
  })
  try {
    await app.listen({ port: config.PORT, host: config.HOST })
  } catch (error) {
    await database.close()
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const reason = taken ? 'it is taken; stop what uses it, or set PORT' : (error as Error).message
    throw new ListenError(`port ${config.PORT} of ${config.HOST}`, reason)
  }
}

/** Ends a process that can't start: what is wrong with its surroundings is one message, a fault of ours has its stack. */
export function fail(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException
  console.error(code?.startsWith('ERR_SHORTENER_') ? `${code}: ${message}` : error)
  process.exit(1)
}
