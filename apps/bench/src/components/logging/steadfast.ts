import { join } from 'node:path'
import { createLogger } from '@steadfast/logging'
import type { AccessLog, AccessLogOptions } from './measure.js'

/** 20 MB and daily, as the other files that roll. */
export async function start({ folder }: AccessLogOptions): Promise<AccessLog> {
  const file = { path: join(folder, 'access.log') }
  const logger = createLogger({ file, rotate: { sizeBytes: 20_000_000, every: 'day' } })
  return { write: (fields) => logger.info(fields, 'request completed'), end: () => logger.close() }
}
