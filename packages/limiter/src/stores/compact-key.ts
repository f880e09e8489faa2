import { parseIPv4 } from '../address/parse.js'

/** A key as memory keeps it: an IPv4 address becomes a number, which takes no memory of its own. */
export function compactKey(key: string): string | number {
  return key.charCodeAt(0) <= 57 ? compactAddress(key) : key
}

function compactAddress(key: string): string | number {
  const address = parseIPv4(key)
  return address < 0 ? key : address | 0
}
