import { once } from 'node:events'
import { join } from 'node:path'
import { pino } from 'pino'
import type { AccessLog, AccessLogOptions } from './measure.js'

/** `sync` as pino.destination() has it; asynchronous with the buffer that its documentation suggests. */
export async function start({ folder, sync }: AccessLogOptions): Promise<AccessLog> {
  const destination = pino.destination({
    dest: join(folder, 'access.log'),
    sync: sync === true,
    minLength: sync === true ? 0 : 4_096,
  })
  const logger = pino(destination)
  return {
    write: (fields) => logger.info(fields, 'request completed'),
    async end() {
      destination.end()
      await once(destination, 'close')
    },
  }
}
