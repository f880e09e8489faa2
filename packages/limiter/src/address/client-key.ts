import { mappedIPv4, parseIPv6 } from './parse.js'

const groups = new Uint16Array(8)

/**
 * Whom an address stands for: an IPv4 address for itself, also where it is mapped into IPv6; an IPv6 address for its whole network
 * of so many bits, for that is what a client is given.
 */
export function clientKey(address: string | undefined, prefixBits: number): string {
  if (address === undefined) return ''
  if (!address.includes(':') || !parseIPv6(address, groups)) return address
  const mapped = mappedIPv4(groups)
  if (mapped >= 0) return `${mapped >>> 24}.${(mapped >>> 16) & 255}.${(mapped >>> 8) & 255}.${mapped & 255}`
  let key = ''
  for (let i = 0; i * 16 < prefixBits; i++) {
    const bits = Math.min(16, prefixBits - i * 16)
    key += `${(groups[i]! & (0xffff << (16 - bits)) & 0xffff).toString(16)}:`
  }
  return `${key}/${prefixBits}`
}
