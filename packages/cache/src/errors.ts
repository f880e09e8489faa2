import createError, { type FastifyErrorConstructor } from '@fastify/error'

type Coded<Arguments extends unknown[]> = FastifyErrorConstructor<{ code: string }, Arguments>

/** An option has a value that can't be used. Takes its name, what it must be, and the value. */
export const OptionError: Coded<[name: string, must: string, value: string]> = createError(
  'ERR_CACHE_OPTION',
  '%s must be %s, not %s',
)

/** There is no such option. Takes its name, and the names there are. */
export const UnknownOptionError: Coded<[name: string, known: string]> = createError(
  'ERR_CACHE_UNKNOWN_OPTION',
  '%s is no option; there are %s',
)

/** A key can't be used. Takes what it must be, and the key. */
export const KeyError: Coded<[must: string, key: string]> = createError('ERR_CACHE_KEY', 'a key must be %s, not %s')

/** A value is not of JSON's domain. Takes the key and the reason. */
export const ValueError: Coded<[key: string, reason: string]> = createError(
  'ERR_CACHE_VALUE',
  'the value of "%s" can’t be cached: %s',
)

/** A loader was not done in time. Takes the key and the time in milliseconds. */
export const LoadTimeoutError: Coded<[key: string, ms: number]> = createError(
  'ERR_CACHE_LOAD_TIMEOUT',
  'the loader of "%s" was not done within %s ms',
  503,
)

/** The loader failed in another process a moment ago. Takes the key and what it said there. */
export const LoadFailedError: Coded<[key: string, reason: string]> = createError(
  'ERR_CACHE_LOAD_FAILED',
  'the loader of "%s" has just failed in another process: %s',
  503,
)

/** An invalidation could not be confirmed; it is repeated once Redis takes it. Takes what was invalidated, and what Redis said. */
export const UnconfirmedError: Coded<[what: string, reason: string]> = createError(
  'ERR_CACHE_UNCONFIRMED',
  'it is not confirmed that %s is invalidated, and it will be repeated: %s',
  503,
)

/** The cache is closed. */
export const ClosedError: Coded<[]> = createError('ERR_CACHE_CLOSED', 'the cache is closed')

/** Redis did not answer in time, or is left alone for a while. Handled inside: it shows in events and the log. */
export const L2Error: Coded<[reason: string]> = createError('ERR_CACHE_L2', '%s')

/** The app has a cache already. */
export const RegisteredTwiceError: Coded<[]> = createError(
  'ERR_CACHE_REGISTERED_TWICE',
  'this app has a cache already: register the plugin once, at the root',
)
