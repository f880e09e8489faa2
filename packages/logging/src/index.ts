import type { Logging } from './logging.js'

export type { AccessLogOptions } from './access-options.js'
export { createLogger, type SteadfastLogger } from './create-logger.js'
export { type FastifyLoggingOptions, fastifyLogging } from './fastify-logging.js'
export type { Logging, LoggingStats } from './logging.js'
export type { FileOptions, LoggingOptions, RetainOptions, RotateOptions } from './options.js'
export type { PinoRollOptions } from './pino-roll.js'
export { default, type LoggingPluginOptions } from './plugin.js'
export type { RollingStats } from './rolling/rolling-file.js'
export type { SecretsOptions } from './secrets/options.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The level of the log, and how its file fares; by @steadfast/logging. */
    logging: Logging
  }
}
