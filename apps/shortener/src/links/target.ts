import { TargetError } from '../errors.js'

export const maxTargetLength = 2_048

/**
 * The normalised form of a target, by the WHATWG URL standard.
 * @throws ERR_SHORTENER_TARGET for what is no public web address, or leads back to us
 */
export function parseTarget(text: string, ownOrigin: string): string {
  if (!URL.canParse(text)) throw new TargetError('is not an absolute URL')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TargetError('must start with http:// or https://')
  if (url.username || url.password) throw new TargetError('must not hold a user name or password')
  if (url.host === new URL(ownOrigin).host) throw new TargetError('must not lead back to this shortener')
  if (url.href.length > maxTargetLength) throw new TargetError(`must not be longer than ${maxTargetLength} characters`)
  return url.href
}
