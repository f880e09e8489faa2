import dns from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { failure } from '../channels/channel.js'
import { PrivateAddressError } from '../errors.js'

export interface Target {
  url: URL
  /** Whether it may have a private address. */
  allowPrivate: boolean
}

/** Addresses that are no public host's (IANA's special-purpose registries, RFC 6890 and later). */
const special = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  special.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::', 96], // unspecified, loopback, and IPv4-compatible ones
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96], // NAT64: an IPv4 address, whichever
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: as well
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  special.addSubnet(network, bits, 'ipv6')

export function isPrivate(address: string): boolean {
  const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i.exec(address)
  if (mapped) return isPrivate(mapped[1] ?? dotted(mapped[2]!, mapped[3]!))
  const family = isIP(address)
  return family === 0 || special.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function dotted(high: string, low: string): string {
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}

/** For an address no lookup is made. */
export function isPrivateHost({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 && isPrivate(host)
}

/** @throws ERR_ALERTS_PRIVATE_ADDRESS where it is known before any name is looked up */
export function targetOf(url: URL, allowPrivate: boolean): Target {
  if (!allowPrivate && isPrivateHost(url)) throw new PrivateAddressError()
  return { url, allowPrivate }
}

export function privateAddress(): Error {
  return failure(new PrivateAddressError(), { isFinal: true })
}

/** Looks up a name for the very connection that is made, so that it can't stand for something else by then. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 0)
    const addresses = found.filter(({ address }) => !isPrivate(address))
    const [first] = addresses
    if (!first) return callback(privateAddress(), '', 0)
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}
