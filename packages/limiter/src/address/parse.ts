/** An IPv4 address in dotted decimals as a number, or -1. Other ways to write it (01.2.3.4) are none. */
export function parseIPv4(text: string, from = 0, to: number = text.length): number {
  if (to - from < 7 || to - from > 15) return -1
  let address = 0
  let octet = -1
  let dots = 0
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code === 46) {
      if (octet < 0) return -1
      address = address * 256 + octet
      octet = -1
      dots++
    } else {
      const digit = code - 48
      if (digit < 0 || digit > 9 || octet === 0) return -1
      octet = octet < 0 ? digit : octet * 10 + digit
      if (octet > 255) return -1
    }
  }
  return dots === 3 && octet >= 0 ? address * 256 + octet : -1
}

const colon = 58
const dot = 46

/** The eight groups of an IPv6 address (RFC 4291, section 2.2), its zone left out; whether it is one. */
export function parseIPv6(text: string, groups: Uint16Array): boolean {
  const zone = text.indexOf('%')
  const end = zone < 0 ? text.length : zone
  let count = 0
  let gap = -1
  let at = 0
  if (text.charCodeAt(0) === colon) {
    if (text.charCodeAt(1) !== colon) return false
    gap = 0
    at = 2
  }
  while (at < end) {
    const start = at
    let group = 0
    let digit = hexDigit(text.charCodeAt(at))
    while (at < end && digit >= 0) {
      group = group * 16 + digit
      digit = hexDigit(text.charCodeAt(++at))
    }
    if (at < end && text.charCodeAt(at) === dot) {
      const tail = parseIPv4(text, start, end)
      if (tail < 0 || count > 6) return false
      groups[count++] = tail >>> 16
      groups[count++] = tail & 0xffff
      break
    }
    if (at === start || at - start > 4 || count === 8) return false
    groups[count++] = group
    if (at === end) break
    if (text.charCodeAt(at++) !== colon || at === end) return false
    if (text.charCodeAt(at) === colon) {
      if (gap >= 0) return false
      gap = count
      at++
    }
  }
  if (gap < 0) return count === 8
  if (count === 8) return false
  groups.copyWithin(gap + 8 - count, gap, count)
  groups.fill(0, gap, gap + 8 - count)
  return true
}

/** The IPv4 address in ::ffff:0:0/96 (RFC 4291, section 2.5.5.2), or -1. */
export function mappedIPv4(groups: Uint16Array): number {
  for (let i = 0; i < 5; i++) if (groups[i] !== 0) return -1
  return groups[5] === 0xffff ? groups[6]! * 65_536 + groups[7]! : -1
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
