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

/** The key lacks a scope. Takes the scope. */
export const ForbiddenError = createError('ERR_SHORTENER_FORBIDDEN', 'this needs an API key with the scope %s', 403)

/** The target can't be shortened. Takes the reason. */
export const TargetError = createError('ERR_SHORTENER_TARGET', 'url %s', 400)

/** startsAt or expiresAt can't be meant. Takes the field, the reason and the value. */
export const TimesError = createError('ERR_SHORTENER_TIMES', '%s %s, not "%s"', 400)

/** The alias is kept for pages of the shortener's own. Takes the alias. */
export const AliasReservedError = createError('ERR_SHORTENER_ALIAS_RESERVED', 'the alias "%s" is reserved', 400)

/** Another link has the alias, or had it. Takes the alias. */
export const AliasTakenError = createError('ERR_SHORTENER_ALIAS_TAKEN', 'the alias "%s" is taken', 409)

/** Takes the cursor. */
export const CursorError = createError('ERR_SHORTENER_CURSOR', 'the cursor "%s" is none that a page of links gave', 400)

/** The statistics can't be given for these days. Takes the reason and the days. */
export const DaysError = createError('ERR_SHORTENER_DAYS', '%s, not "%s" to "%s"', 400)

/** Takes the reason. */
export const IdempotencyKeyError = createError('ERR_SHORTENER_IDEMPOTENCY_KEY', 'Idempotency-Key %s', 400)

export const IdempotencyMismatchError = createError(
  'ERR_SHORTENER_IDEMPOTENCY_MISMATCH',
  'this Idempotency-Key came with another request before',
  422,
)

export const LinkNotFoundError = createError('ERR_SHORTENER_LINK_NOT_FOUND', 'there is no such link', 404)

export const LinkExpiredError = createError('ERR_SHORTENER_LINK_EXPIRED', 'this link has expired', 410)

export const LinkUsedUpError = createError('ERR_SHORTENER_LINK_USED_UP', 'this link has had all its visits', 410)

/** Takes the name. */
export const KeyNameTakenError = createError('ERR_SHORTENER_KEY_NAME_TAKEN', 'there is or was a key named "%s"', 409)

export const KeyNotFoundError = createError('ERR_SHORTENER_KEY_NOT_FOUND', 'there is no such key', 404)

export const NotFoundError = createError('ERR_SHORTENER_NOT_FOUND', 'there is nothing at %s %s', 404)

/** An item of a bulk create is not as documented. Takes where in it, and the reason. */
export const LinkItemError = createError('ERR_SHORTENER_LINK_ITEM', 'link%s %s', 400)

export const DeadLetterNotFoundError = createError(
  'ERR_SHORTENER_DEAD_LETTER_NOT_FOUND',
  'there is no such dead letter',
  404,
)
