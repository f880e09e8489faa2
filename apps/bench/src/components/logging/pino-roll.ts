import { once } from 'node:events'
import { join } from 'node:path'
import { pino } from 'pino'
import type { AccessLog, AccessLogOptions } from './measure.js'

/** In pino's worker thread, as its readme shows it. */
export async function start({ folder }: AccessLogOptions): Promise<AccessLog> {
  const options = { file: join(folder, 'access'), frequency: 'daily', size: '20m', mkdir: true }
  const transport = pino.transport({ target: 'pino-roll', options })
  const logger = pino(transport)
  await once(transport, 'ready')
  return {
    write: (fields) => logger.info(fields, 'request completed'),
    async end() {
      transport.end()
      await once(transport, 'close')
    },
  }
}
