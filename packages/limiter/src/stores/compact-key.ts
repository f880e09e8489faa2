/** A key as memory keeps it: an IPv4 address becomes a number, which takes no memory of its own. */
export function compactKey(key: string): string | number {
  const { length } = key
  if (length < 7 || length > 15) return key
  let address = 0
  let octet = -1
  let dots = 0
  for (let at = 0; at < length; at++) {
    const code = key.charCodeAt(at)
    if (code === 46) {
      if (octet < 0) return key
      address = (address << 8) | octet
      octet = -1
      dots++
    } else {
      const digit = code - 48
      // Other ways to write an address are other keys: 01.2.3.4 is not 1.2.3.4.
      if (digit < 0 || digit > 9 || octet === 0) return key
      octet = octet < 0 ? digit : octet * 10 + digit
      if (octet > 255) return key
    }
  }
  return dots === 3 && octet >= 0 ? (address << 8) | octet : key
}
