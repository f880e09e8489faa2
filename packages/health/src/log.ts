import { textOf } from './outcome.js'

/** What we need of a logger. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Warns of what was thrown, by its text where the logger can't handle it. */
export function warnOf(log: Log, error: unknown, message: string, details: object = {}): void {
  try {
    log.warn({ ...details, err: error instanceof Error ? error : textOf(error) }, message)
  } catch {
    log.warn({ ...details, err: textOf(error) }, message)
  }
}
