import createError, { type FastifyErrorConstructor } from '@fastify/error'

type Coded<Arguments extends unknown[]> = FastifyErrorConstructor<{ code: string }, Arguments>

/** An option, or what a metric was made with, can't be used. Takes its name, what it must be, and the value. */
export const OptionError: Coded<[name: string, must: string, value: string]> = createError(
  'ERR_METRICS_OPTION',
  '%s must be %s, not %s',
)

/** There is no such option. Takes its name, and the names there are. */
export const UnknownOptionError: Coded<[name: string, known: string]> = createError(
  'ERR_METRICS_UNKNOWN_OPTION',
  '%s is no option; there are %s',
)

/** The app has @steadfast/metrics, or another plugin's `app.metrics`, already. */
export const RegisteredTwiceError: Coded<[]> = createError(
  'ERR_METRICS_REGISTERED_TWICE',
  'this app has metrics already: register the plugin once, at the root',
)

/** A metric, or a pool, of this name is there already, and it is another one. Takes the name and what differs. */
export const NameTakenError: Coded<[name: string, what: string]> = createError(
  'ERR_METRICS_NAME_TAKEN',
  '"%s" is taken: %s',
)

/** Labels are not those that the metric was made with. Takes its name, and both lists. */
export const LabelsError: Coded<[name: string, expected: string, given: string]> = createError(
  'ERR_METRICS_LABELS',
  '%s has the labels (%s), not (%s)',
)

/** A value can't be recorded. Takes the name of the metric, what the value must be, and the value. */
export const ValueError: Coded<[name: string, must: string, value: string]> = createError(
  'ERR_METRICS_VALUE',
  '%s takes %s, not %s',
)

/** The port of the endpoint can't be listened on. Takes the port and the reason. */
export const ListenError: Coded<[port: number, reason: string]> = createError(
  'ERR_METRICS_LISTEN',
  'the metrics can’t be served at port %s: %s',
)

/** A scrape came without the right token. */
export const UnauthorizedError: Coded<[]> = createError('ERR_METRICS_UNAUTHORIZED', 'the token is not valid', 401)

/** A scrape came from an address that is not allowed. */
export const ForbiddenError: Coded<[]> = createError('ERR_METRICS_FORBIDDEN', 'this address may not scrape', 403)
