import { createHash, timingSafeEqual } from 'node:crypto'
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { fail } from './given.js'

/** Who may scrape; everybody, where neither is given. */
export interface Access {
  /** The token that `Authorization: Bearer <token>` must have. */
  bearer?: string
  /** Addresses and CIDR ranges that may ask, by `request.ip`. */
  allow?: readonly string[]
}

export type Gate = (request: Pick<FastifyRequest, 'headers' | 'ip'>) => 'open' | 'unauthorized' | 'forbidden'

/** @throws ERR_METRICS_OPTION */
export function resolveAccess({ bearer, allow }: Access): Gate {
  const isAllowed = allow === undefined ? () => true : byAddress(allow)
  const isKnown = bearer === undefined ? () => true : byToken(bearer)
  return ({ ip, headers }) => {
    if (!isAllowed(ip)) return 'forbidden'
    return isKnown(headers.authorization) ? 'open' : 'unauthorized'
  }
}

/** RFC 6750, 2.1: what can stand in an Authorization header. */
function byToken(token: string): (authorization: string | undefined) => boolean {
  if (typeof token !== 'string' || !/^[\w.~+/-]+=*$/.test(token)) {
    fail('endpoint.bearer', 'a token of letters, digits and -._~+/, with = at its end only', '…') // it is never shown
  }
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const right = digest(token)
  return (authorization = '') => {
    const given = /^Bearer +(.+)$/i.exec(authorization)?.[1] ?? ''
    // Digests have one length, so that the time it takes tells nothing of the token.
    return timingSafeEqual(digest(given), right)
  }
}

function byAddress(allow: readonly string[]): (ip: string) => boolean {
  const list = new BlockList()
  const must = "a list of addresses and CIDR ranges, as ['10.0.0.0/8', '::1']"
  if (!Array.isArray(allow) || allow.length === 0) fail('endpoint.allow', must, allow)
  for (const range of allow) {
    const [, address = '', bits] = /^([\d.]+|[\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(`${range}`) ?? []
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] as number
    if (most < 0 || Number(bits ?? 0) > most) fail('endpoint.allow', must, allow)
    list.addSubnet(address, Number(bits ?? most), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return (ip) => {
    const family = isIP(ip)
    return family !== 0 && list.check(ip, family === 4 ? 'ipv4' : 'ipv6')
  }
}
