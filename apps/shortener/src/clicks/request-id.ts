import { randomFillSync } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'

const idBytes = 16
const pool = Buffer.alloc(256 * idBytes)
let used = pool.length

/** RFC 9562: ids that rise with time stay together in an index. */
export function uuidv7(ms: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = pool.subarray(used, used + idBytes)
  used += idBytes
  bytes.writeUIntBE(ms, 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const given = /^[\w-]{8,64}$/

/**
 * Names requests. A proxy that sends a request to a second server, because the first died, names it the same (nginx: `proxy_set_header
 * X-Request-Id $request_id`), so that its click counts once. Others are not believed: who could name requests could hide clicks.
 */
export function requestIds(proxies: string[] | undefined): (request: IncomingMessage) => string {
  const list = new BlockList()
  for (const range of proxies ?? []) {
    const [address = '', bits] = range.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  const isProxy = ({ remoteAddress = '' }: IncomingMessage['socket']) =>
    list.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')
  return ({ headers, socket }) => {
    const id = proxies && headers['x-request-id']
    return typeof id === 'string' && given.test(id) && isProxy(socket) ? id : uuidv7(Date.now())
  }
}
