import type { FastifyInstance } from 'fastify'
import { ListenError } from './errors.js'

const signals = ['SIGINT', 'SIGTERM'] as const
const closeDeadlineMs = 2_500

/** What a process has to close at its end. */
export interface Opened {
  /** Has it closed; the last is closed first. */
  add(close: () => Promise<void>): void
  closeAll(): Promise<void>
  /** Leaves the signals to the app, which closes everything once it has drained. */
  handOver(): void
}

/**
 * Runs a server process from its first moment: `main` starts it and says what it has opened. SIGINT and SIGTERM during the
 * start close that and exit 0. A start that fails closes it, says why, and exits 1.
 */
export async function runServer(main: (opened: Opened) => Promise<void>): Promise<void> {
  const toClose: (() => Promise<void>)[] = []
  let isClosing = false
  const opened: Opened = {
    add: (close) => toClose.push(close),
    async closeAll() {
      for (const close of toClose.splice(0).reverse()) await close()
    },
    handOver() {
      for (const signal of signals) process.off(signal, end)
    },
  }
  const end = () => {
    isClosing = true
    setTimeout(() => process.exit(1), closeDeadlineMs)
    opened.closeAll().then(() => process.exit(0), fail)
  }
  for (const signal of signals) process.once(signal, end)
  try {
    await main(opened)
  } catch (error) {
    if (isClosing) return // it failed because it is being closed
    opened.handOver()
    await opened.closeAll()
    fail(error)
  }
}

/**
 * Serves until the process is told to end; from then on @steadfast/shutdown leads.
 * @throws ERR_SHORTENER_LISTEN
 */
export async function serve(
  app: FastifyInstance,
  { host, port, variable = 'PORT' }: { host: string; port: number; variable?: string },
  opened: Opened,
): Promise<void> {
  await app.ready()
  app.shutdown.register('what was opened', () => opened.closeAll(), { phase: 'connections', budgetMs: closeDeadlineMs })
  app.server.once('listening', opened.handOver) // by now the app has them
  try {
    await app.listen({ port, host })
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const reason = taken ? `it is taken; stop what uses it, or set ${variable}` : (error as Error).message
    throw new ListenError(`port ${port} of ${host}`, reason)
  }
}

/** The codes of what is wrong with a process's surroundings; those of the plugins tell of a folder that can't be used. */
const surroundings = /^ERR_(SHORTENER_.+|LOGGING_FILE|ALERTS_SPOOL)$/

/** Ends a process that can't do its work: what is wrong with its surroundings is one message, a fault of ours has its stack. */
export function fail(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException
  console.error(code && surroundings.test(code) ? `${code}: ${message}` : error)
  process.exit(1)
}
