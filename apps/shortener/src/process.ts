import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { buildApp } from './app.js'
import type { Config } from './config.js'
import type { Database } from './database/database.js'
import { ListenError } from './errors.js'

const graceMs = 1_000
const deadlineMs = 2_500

/** Told what to close at the end of the process; the last is closed first. */
export type AtEnd = (close: () => Promise<void>) => void

/**
 * Runs a server process from its first moment: `main` starts it and says what to close. SIGINT and SIGTERM close that
 * and exit 0, during the start as well. A start that fails closes it, says why, and exits 1.
 */
export async function runServer(main: (atEnd: AtEnd) => Promise<void>): Promise<void> {
  const toClose: (() => Promise<void>)[] = []
  const closeAll = async () => {
    for (const close of toClose.splice(0).reverse()) await close()
  }
  let isClosing = false
  const { uninstall } = closeWithGrace({ delay: deadlineMs, skip: ['SIGHUP', 'SIGUSR2'] }, async ({ err }) => {
    isClosing = true
    if (err) console.error(err)
    await closeAll()
  })
  try {
    await main((close) => toClose.push(close))
  } catch (error) {
    if (isClosing) return // it failed because it is being closed
    uninstall()
    await closeAll()
    fail(error)
  }
}

/**
 * Serves until the process is told to end; then what is in flight gets its answer.
 * @throws ERR_SHORTENER_LISTEN
 */
export async function serve(config: Config, database: Database, log: Logger, atEnd: AtEnd): Promise<void> {
  const app = buildApp(config, database, log)
  atEnd(async () => {
    // Fastify waits for silent and half-sent connections as well; those get no longer than a request in flight.
    const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
    await app.close()
    clearTimeout(timer)
  })
  try {
    await app.listen({ port: config.PORT, host: config.HOST })
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const reason = taken ? 'it is taken; stop what uses it, or set PORT' : (error as Error).message
    throw new ListenError(`port ${config.PORT} of ${config.HOST}`, reason)
  }
}

/** Ends a process that can't do its work: what is wrong with its surroundings is one message, a fault of ours has its stack. */
export function fail(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException
  console.error(code?.startsWith('ERR_SHORTENER_') ? `${code}: ${message}` : error)
  process.exit(1)
}
