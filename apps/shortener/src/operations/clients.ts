import { createHmac, randomBytes } from 'node:crypto'
import type { VisitorSalts } from '../clicks/salts.js'

const mostKept = 10_000
const hashBytes = 12

/** Names clients for limits: by a hash with the salt of the day, so that no address is in Redis, and all servers name one alike. */
export class Clients {
  readonly #salts: VisitorSalts
  readonly #standIn = randomBytes(32) // until the database has given a salt
  #salt: Uint8Array | undefined
  #kept = new Map<string, string>()

  constructor(salts: VisitorSalts) {
    this.#salts = salts
  }

  nameOf(address: string): string {
    const salt = this.#salts.ofDay(Date.now()) ?? this.#standIn
    if (salt !== this.#salt || this.#kept.size >= mostKept) {
      this.#salt = salt
      this.#kept = new Map()
    }
    const known = this.#kept.get(address)
    if (known !== undefined) return known
    const name = createHmac('sha256', salt).update(networkOf(address)).digest('base64url').slice(0, hashBytes)
    this.#kept.set(address, name)
    return name
  }
}

/** An IPv4 address, also where it is mapped into IPv6; of an IPv6 address the /64, for that is what a client is given. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return mapped
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const groups = head.split(':').filter(Boolean)
  const after = tail?.split(':').filter(Boolean) ?? []
  const zeros = Array<string>(tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)).fill('0')
  const all = [...groups, ...zeros, ...after]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
