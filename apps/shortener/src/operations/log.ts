import { createLogger, type SteadfastLogger } from '@steadfast/logging'
import type { DatabaseConfig } from '../config.js'

const fileBytes = 50_000_000
const keptMs = 30 * 86_400_000

/** The log: on standard output, and in files that turn each day and at 50 MB, if LOG_FILE names one. */
export function openLog({ LOG_LEVEL, LOG_FILE }: Pick<DatabaseConfig, 'LOG_LEVEL' | 'LOG_FILE'>): SteadfastLogger {
  const console = process.stdout.isTTY ? 'pretty' : 'json'
  if (LOG_FILE === undefined) return createLogger({ level: LOG_LEVEL, console })
  return createLogger({
    level: LOG_LEVEL,
    console,
    file: { path: LOG_FILE },
    rotate: { every: 'day', sizeBytes: fileBytes, gzip: true },
    retain: { ageMs: keptMs },
  })
}
