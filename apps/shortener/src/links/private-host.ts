import { BlockList, isIP } from 'node:net'

/** IANA's special-purpose addresses that are not globally reachable (RFC 6890 and its registries), and multicast. */
const ranges = `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
  ::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`

const notPublic = new BlockList()
for (const range of ranges.split(/\s+/)) {
  const [address = '', prefix] = range.split('/')
  notPublic.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

/** Names that no public DNS has (RFC 6761, 6762, 8375, 9476), or that each network has its own of. */
const privateName =
  /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|svc|home\.arpa|test|invalid|onion|alt)$/

/** IPv6 addresses that stand for an IPv4 one: mapped, NAT64 (RFC 6052) and 6to4 (RFC 3056). */
const embedded = /^(?:::ffff:|64:ff9b::)([\da-f]{1,4}):([\da-f]{1,4})$|^2002:([\da-f]{1,4}):([\da-f]{1,4}):/

/**
 * Whether a host, as the URL standard writes it (`127.1` is `127.0.0.1` by then), is not on the public internet, as far as
 * its name tells: what a public name resolves to is not looked up.
 */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  const family = isIP(host)
  if (family === 0) return !host.includes('.') || privateName.test(host)
  if (family === 4) return notPublic.check(host)
  const [, a, b, c, d] = embedded.exec(host) ?? []
  const high = a ?? c
  const low = b ?? d
  if (high !== undefined && low !== undefined)
    return notPublic.check(v4Of(Number.parseInt(high, 16), Number.parseInt(low, 16)))
  return notPublic.check(host, 'ipv6')
}

function v4Of(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
