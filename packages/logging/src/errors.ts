import createError, { type FastifyErrorConstructor } from '@fastify/error'

type Coded<Arguments extends unknown[]> = FastifyErrorConstructor<{ code: string }, Arguments>

/** An option has a value that can't be used. Takes its name, what it must be, and the value. */
export const OptionError: Coded<[name: string, must: string, value: string]> = createError(
  'ERR_LOGGING_OPTION',
  '%s must be %s, not %s',
)

/** There is no such option. Takes its name, and the names there are. */
export const UnknownOptionError: Coded<[name: string, known: string]> = createError(
  'ERR_LOGGING_UNKNOWN_OPTION',
  '%s is no option; there are %s',
)

/** The app has @steadfast/logging already. */
export const RegisteredTwiceError: Coded<[]> = createError(
  'ERR_LOGGING_REGISTERED_TWICE',
  'this app has logging already: register the plugin once, at the root',
)

/** The file can't be written. Takes its path and the reason. */
export const FileError: Coded<[path: string, reason: string]> = createError(
  'ERR_LOGGING_FILE',
  'file.path: can’t write to %s: %s',
)

/** `roller: 'pino-roll'` without pino-roll. Takes the reason. */
export const RollerError: Coded<[reason: string]> = createError(
  'ERR_LOGGING_ROLLER',
  'roller: pino-roll can’t be used: %s',
)
