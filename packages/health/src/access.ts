import { createHash, timingSafeEqual } from 'node:crypto'
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { type Log, warnOf } from './log.js'
import { object, type Rule, refuse, take, takeObject } from './rules.js'

/** What is known of a request to a probe, on the app's port and on a port of its own. */
export type ProbeRequest = Pick<FastifyRequest, 'headers' | 'ip' | 'raw'>

/** Who sees the details: whom the function says `true` to, who has the token, or who comes from an address or CIDR range. */
export type Access = ((request: ProbeRequest) => boolean) | { bearer: string } | { allow: string[] }

/** What a request may see. */
export type Gate = (request: ProbeRequest) => 'details' | 'status' | 'refused'

/** RFC 6750: what can stand in an Authorization header. */
const bearer: Rule = {
  must: 'a token of letters, digits and -._~+/, with = at its end only',
  test: (value) => typeof value === 'string' && /^[\w.~+/-]+=*$/.test(value),
}

/**
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function resolveAccess(access: Access | undefined, log: Log): Gate {
  if (access === undefined) return () => 'status'
  if (typeof access === 'function') return byFunction(access, log)
  if (typeof access === 'string') refuse('access', object.must, '…') // most likely the token
  const { bearer, allow } = takeObject('access', access as { bearer?: string; allow?: string[] }, ['bearer', 'allow'])
  if (bearer !== undefined && allow === undefined) return byToken(bearer)
  if (allow !== undefined && bearer === undefined) return byAddress(allow)
  return refuse('access', 'a function, { bearer } or { allow }', allow ? { bearer: '…', allow } : access)
}

function byFunction(access: (request: ProbeRequest) => boolean, log: Log): Gate {
  return (request) => {
    try {
      const may: unknown = access(request)
      if (typeof may === 'boolean') return may ? 'details' : 'status'
      // Its rejection, which nobody waits for, would end the process.
      Promise.resolve(may).catch(() => {})
      log.warn({}, 'access of @steadfast/health must return true or false, at once; nobody is let in')
    } catch (err) {
      warnOf(log, err, 'access of @steadfast/health failed; nobody is let in')
    }
    return 'status'
  }
}

function byToken(token: string): Gate {
  if (!bearer.test(token)) take('access.bearer', '…', { ...bearer, test: () => false }) // it is never shown
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const right = digest(token)
  return ({ headers }) => {
    if (headers.authorization === undefined) return 'status'
    const given = /^Bearer +(.+)$/i.exec(headers.authorization)?.[1] ?? ''
    // Digests have one length, so that the time it takes tells nothing of the token.
    return timingSafeEqual(digest(given), right) ? 'details' : 'refused'
  }
}

function byAddress(allow: string[]): Gate {
  const list = new BlockList()
  const must = "a list of addresses and CIDR ranges, as ['10.0.0.0/8', '::1']"
  if (!Array.isArray(allow) || allow.length === 0) refuse('access.allow', must, allow)
  for (const range of allow) {
    const [, address = '', bits] = /^([\d.]+|[\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(`${range}`) ?? []
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] as number
    if (most < 0 || Number(bits ?? 0) > most) refuse('access.allow', must, allow)
    list.addSubnet(address, Number(bits ?? most), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return ({ ip }) => {
    const family = isIP(ip)
    return family !== 0 && list.check(ip, family === 4 ? 'ipv4' : 'ipv6') ? 'details' : 'status'
  }
}
