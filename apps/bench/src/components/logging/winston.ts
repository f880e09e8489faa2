import { once } from 'node:events'
import winston from 'winston'
import DailyRotateFile from 'winston-daily-rotate-file'
import type { AccessLog, AccessLogOptions } from './measure.js'

/** As the readme of winston-daily-rotate-file shows it, without compression. */
export async function start({ folder }: AccessLogOptions): Promise<AccessLog> {
  const file = new DailyRotateFile({
    dirname: folder,
    filename: 'access-%DATE%.log',
    datePattern: 'YYYY-MM-DD',
    maxSize: '20m',
    maxFiles: '14d',
  })
  const { timestamp, json, combine } = winston.format
  const format = combine(timestamp({ alias: 'time' }), json())
  const logger = winston.createLogger({ format, transports: [file] })
  return {
    write: (fields) => logger.info('request completed', fields),
    async end() {
      const finished = once(file, 'finish')
      logger.end()
      await finished
    },
  }
}
