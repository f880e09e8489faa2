import createError, { type FastifyErrorConstructor } from '@fastify/error'

type Coded<Arguments extends unknown[]> = FastifyErrorConstructor<{ code: string }, Arguments>

/** An option, or what a route's config says, has a value that can't be used. Takes its name, what it must be, and the value. */
export const OptionError: Coded<[name: string, must: string, value: string]> = createError(
  'ERR_LIMITER_OPTION',
  '%s must be %s, not %s',
)

/** There is no such option. Takes its name, and the names there are. */
export const UnknownOptionError: Coded<[name: string, known: string]> = createError(
  'ERR_LIMITER_UNKNOWN_OPTION',
  '%s is no option; there are %s',
)

/** The app has a limiter already, in this context, in one around it or in one within it. */
export const RegisteredTwiceError: Coded<[]> = createError(
  'ERR_LIMITER_REGISTERED_TWICE',
  'there is a limiter here, around here or within already: register the plugin once, and give routes their own limits by their config',
)

/** There is no policy of this name for `check`, `peek` or `reset`. Takes the name, and the names there are. */
export const UnknownPolicyError: Coded<[name: string, known: string]> = createError(
  'ERR_LIMITER_UNKNOWN_POLICY',
  'there is no policy "%s"; there are %s',
)

/** A limit does not let the request through now. */
export const LimitExceededError: Coded<[]> = createError(
  'ERR_LIMITER_EXCEEDED',
  'too many requests; try again later',
  429,
)

/** The request comes from an address that is denied. */
export const DeniedError: Coded<[]> = createError(
  'ERR_LIMITER_DENIED',
  'requests from this address are not served',
  403,
)

/** The key of the request is banned: it went on although it was refused, or somebody has banned it. */
export const BannedError: Coded<[]> = createError(
  'ERR_LIMITER_BANNED',
  'too many requests were refused; none are served for a while',
  403,
)

/** Whether the limit lets the request through can't be told: Redis does not answer, or a function of a policy has failed. */
export const UnavailableError: Coded<[]> = createError(
  'ERR_LIMITER_UNAVAILABLE',
  'the limit of this request can’t be checked now; try again later',
  503,
)
