import createError, { type FastifyErrorConstructor } from '@fastify/error'

type Coded<Arguments extends unknown[]> = FastifyErrorConstructor<{ code: string }, Arguments>

/** An option, or an option of a check, has a value that can't be used. Takes its name, what it must be, and the value. */
export const OptionError: Coded<[name: string, must: string, value: string]> = createError(
  'ERR_HEALTH_OPTION',
  '%s must be %s, not %s',
)

/** There is no such option. Takes its name, and the names there are. */
export const UnknownOptionError: Coded<[name: string, known: string]> = createError(
  'ERR_HEALTH_UNKNOWN_OPTION',
  '%s is no option; there are %s',
)

/** A check has this name already. Takes the name. */
export const DuplicateCheckError: Coded<[name: string]> = createError(
  'ERR_HEALTH_DUPLICATE_CHECK',
  'there is a check "%s" already',
)

/** The port of the probes can't be listened on. Takes the port and the reason. */
export const ListenError: Coded<[port: number, reason: string]> = createError(
  'ERR_HEALTH_LISTEN',
  'the probes can’t listen on port %s: %s',
)

/** The details were asked for with a token that is not the right one. */
export const UnauthorizedError: Coded<[]> = createError('ERR_HEALTH_UNAUTHORIZED', 'the token is not valid', 401)

/** A probe was asked by another method than GET and HEAD. */
export const MethodError: Coded<[]> = createError('ERR_HEALTH_METHOD', 'a probe answers GET and HEAD', 405)

/** The load is over a limit, and the request is turned away. */
export const UnderPressureError: Coded<[]> = createError(
  'ERR_HEALTH_UNDER_PRESSURE',
  'the server is under pressure; try again later',
  503,
)
