import { type Logger, pino } from 'pino'
import { type Destination, openDestination } from './destination.js'
import { severityOf } from './levels.js'
import { type LoggingOptions, type ResolvedLoggingOptions, resolveOptions } from './options.js'
import type { RollingStats } from './rolling/rolling-file.js'
import { createScrubber, type Scrub } from './secrets/scrubber.js'
import { neverThrowing } from './unloggable.js'

/** A logger of pino, and the end of it. */
export interface SteadfastLogger extends Logger {
  /** Writes what is left and closes the file. A process that ends does not need it: it writes what is left in any case. */
  close(): Promise<void>
  /** How the file fares; undefined without one, and where pino-roll has it. */
  stats(): RollingStats | undefined
}

/** What the plugin needs to know of a logger. */
export interface Internals {
  root: SteadfastLogger
  destination: Destination
  scrub: Scrub
  /** Whether lines have nothing in them that pino alone can put there. */
  isPlain: boolean
  messageKey: string
  /** Whether requests and answers are shown by serializers of the app's own. */
  hasSerializers: boolean
  /** Whether secrets have patterns of the app's own. */
  hasPatterns: boolean
}

const internals: unique symbol = Symbol.for('steadfast.logging.internals') as never

/**
 * A logger of pino whose lines are in files, without secrets.
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 * @throws ERR_LOGGING_FILE
 * @throws ERR_LOGGING_ROLLER
 */
export function createLogger(options: LoggingOptions = {}): SteadfastLogger {
  const resolved = resolveOptions(options, process.stdout.isTTY === true)
  const scrub: Scrub = resolved.secrets === false ? (line) => line : createScrubber(resolved.secrets)
  const destination = openDestination(resolved, {
    onResume: (dropped) => logger.warn({ dropped }, `dropped ${dropped} lines that could not be written`),
    onTrouble: (err) => logger.warn({ err }, 'log files could not be compressed or removed'),
  })
  const logger = pino(pinoOptions(resolved, scrub), destination) as unknown as SteadfastLogger
  logger.close = () => destination.close()
  logger.stats = () => destination.stats()
  const known: Internals = {
    root: logger,
    destination,
    scrub,
    isPlain: isPlain(options, scrub),
    messageKey: options.messageKey ?? 'msg',
    hasPatterns: resolved.secrets !== false && (resolved.secrets.patterns ?? []).length > 0,
    hasSerializers: ['req', 'res'].some((key) => key in (options.serializers ?? {})),
  }
  Object.defineProperty(logger, internals, { value: known })
  return logger
}

/** What `createLogger` has made, it or a child of it; undefined for any other. */
export function internalsOf(logger: unknown): Internals | undefined {
  return (Object(logger) as { [internals]?: Internals })[internals]
}

function pinoOptions({ pino, secrets, levels }: ResolvedLoggingOptions, scrub: Scrub): ResolvedLoggingOptions['pino'] {
  const { hooks = {}, formatters } = pino
  const { streamWrite } = hooks
  const given: Scrub = streamWrite ? (line) => scrub(streamWrite(line)) : scrub
  return {
    ...pino,
    hooks: {
      ...hooks,
      logMethod: neverThrowing(hooks.logMethod),
      ...((streamWrite || secrets !== false) && { streamWrite: given }),
    },
    ...(levels === 'rfc5424' && {
      formatters: { ...formatters, level: (_label: string, level: number) => ({ level: severityOf(level) }) },
    }),
  }
}

function isPlain(options: LoggingOptions, scrub: Scrub): boolean {
  const { mixin, nestedKey, redact, formatters, hooks, onChild, msgPrefix, base, name } = options
  const serializers = Object.keys(options.serializers ?? {}).filter((key) => key !== 'err')
  const bound = JSON.stringify({ base, name })
  const given = mixin || nestedKey || redact || hooks || onChild || msgPrefix || formatters?.log || formatters?.bindings
  return !given && serializers.length === 0 && scrub(bound) === bound
}
