import { TargetError } from '../errors.js'
import { isPrivateHost } from './private-host.js'

const maxLength = 2_048

/**
 * Gives the function that checks a target and normalises it, by the WHATWG URL standard. It throws ERR_SHORTENER_TARGET for
 * what is no public web address, or leads back to us.
 */
export function targetParser(
  ownOrigin: string,
  privateTargets: 'refuse' | 'allow' = 'refuse',
): (text: string) => string {
  const own = new URL(ownOrigin)
  const isOwn = ({ hostname, port }: URL) =>
    hostname.replace(/\.$/, '') === own.hostname && (own.port === '' || port === own.port)

  return (text) => {
    // What is left of bytes that are no UTF-8, and of half characters, would lead somewhere else.
    if (/[\ufffd\p{Surrogate}]/u.test(text)) throw new TargetError('must be well-formed Unicode')
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url) throw new TargetError('is not an absolute URL')
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new TargetError('must start with http:// or https://')
    if (url.username || url.password) throw new TargetError('must not hold a user name or password')
    if (isOwn(url)) throw new TargetError('must not lead back to this shortener')
    if (privateTargets === 'refuse' && isPrivateHost(url.hostname)) throw new TargetError('must lead to a public host')
    if (url.href.length > maxLength) throw new TargetError(`must not be longer than ${maxLength} characters`)
    return url.href
  }
}
