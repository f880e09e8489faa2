import { createHmac, randomBytes } from 'node:crypto'
import type { ResolvedAccessLog } from './access-options.js'

/** How lines show a client's address. */
export type AddressOf = (ip: string | undefined) => string | undefined

export function addressBy({
  ip,
  ipKey = randomBytes(32).toString('hex'),
}: Pick<ResolvedAccessLog, 'ip' | 'ipKey'>): AddressOf {
  if (ip === false) return () => undefined
  if (ip === 'plain') return (address) => address
  return (address) => address && createHmac('sha256', ipKey).update(address).digest('base64url').slice(0, 16)
}
