import createError, { type FastifyErrorConstructor } from '@fastify/error'

type Coded<Arguments extends unknown[]> = FastifyErrorConstructor<{ code: string }, Arguments>

/** An option, or a part of an alert, has a value that can't be used. Takes its name, what it must be, and the value. */
export const OptionError: Coded<[name: string, must: string, value: string]> = createError(
  'ERR_ALERTS_OPTION',
  '%s must be %s, not %s',
)

/** There is no such option. Takes its name, and the names there are. */
export const UnknownOptionError: Coded<[name: string, known: string]> = createError(
  'ERR_ALERTS_UNKNOWN_OPTION',
  '%s is no option; there are %s',
)

/** The app has alerts already. */
export const RegisteredTwiceError: Coded<[]> = createError(
  'ERR_ALERTS_REGISTERED_TWICE',
  'this app has alerts already: register the plugin once, at the root',
)

/** The folder of the spool can't be made, read or written. Takes the folder and the reason. */
export const SpoolError: Coded<[dir: string, reason: string]> = createError(
  'ERR_ALERTS_SPOOL',
  'the spool in %s can’t be used: %s',
)

/** A channel of mail was asked for, and nodemailer is not installed. Takes the reason. */
export const NodemailerError: Coded<[reason: string]> = createError(
  'ERR_ALERTS_NODEMAILER',
  'email() needs the package nodemailer: %s',
)

/** There is no channel of this name. Takes the name, and the names there are. */
export const UnknownChannelError: Coded<[name: string, known: string]> = createError(
  'ERR_ALERTS_UNKNOWN_CHANNEL',
  'there is no channel "%s"; there are %s',
)

/** A target's name stands for a private address, which is not allowed. Takes nothing: addresses are not told. */
export const PrivateAddressError: Coded<[]> = createError(
  'ERR_ALERTS_PRIVATE_ADDRESS',
  'the target has a private address, and allowPrivate is not set',
)

/** A message could not be delivered. Takes the reason. */
export const DeliveryError: Coded<[reason: string]> = createError('ERR_ALERTS_DELIVERY', '%s')
