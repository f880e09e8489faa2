import createError from '@fastify/error'

/** The environment does not describe a shortener that can start. Takes the list of faults. */
export const EnvironmentError = createError('ERR_SHORTENER_ENVIRONMENT', 'the environment has faults:\n%s')

/** The port can't be listened on. Takes the address and the reason. */
export const ListenError = createError('ERR_SHORTENER_LISTEN', 'can’t listen on %s: %s')

/** The database did not answer before the deadline at start. Takes its address, the deadline and the last error. */
export const DatabaseUnreachableError = createError(
  'ERR_SHORTENER_DATABASE_UNREACHABLE',
  'the database at %s did not answer within %s ms: %s',
)

/** The database answers, but refuses us: credentials, name, permissions. Takes its address and the reason. */
export const DatabaseRefusedError = createError('ERR_SHORTENER_DATABASE_REFUSED', 'the database at %s refuses us: %s')

/** The embedded database can't be opened. Takes the folder and the reason. */
export const DatabaseFolderError = createError(
  'ERR_SHORTENER_DATABASE_FOLDER',
  'the embedded database in %s can’t be opened: %s',
)

/** The embedded database is open in another process. Takes the folder and the process id. */
export const DatabaseInUseError = createError(
  'ERR_SHORTENER_DATABASE_IN_USE',
  'the embedded database in %s is in use by process %s; one process at a time can open it',
)

/** The database lacks migrations that this version needs. Takes their names. */
export const MigrationsPendingError = createError(
  'ERR_SHORTENER_MIGRATIONS_PENDING',
  'the database lacks migrations: %s; run the migrate command first',
)

/** The database can't serve right now. */
export const DatabaseUnavailableError = createError(
  'ERR_SHORTENER_DATABASE_UNAVAILABLE',
  'the database does not answer right now',
  503,
)

export const UnauthorizedError = createError('ERR_SHORTENER_UNAUTHORIZED', '%s', 401)

/** The target can't be shortened. Takes the reason. */
export const TargetError = createError('ERR_SHORTENER_TARGET', 'url %s', 400)

export const LinkNotFoundError = createError('ERR_SHORTENER_LINK_NOT_FOUND', 'there is no such link', 404)
