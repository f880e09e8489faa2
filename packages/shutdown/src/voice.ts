import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import type { FastifyBaseLogger } from 'fastify'

/** Says it in the app's log, or on standard error where the app has none: why a process ends must be told somewhere. */
export function say(
  log: FastifyBaseLogger,
  level: 'warn' | 'error' | 'fatal',
  details: Record<string, unknown>,
  message: string,
): void {
  if (log.fatal !== log.trace) {
    log[level](details, message)
    return
  }
  try {
    writeSync(2, `${level}: ${message}: ${inspect(details.err ?? details, { depth: 8, breakLength: Infinity })}\n`)
  } catch {
    // nobody reads it any more
  }
}
