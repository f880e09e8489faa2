import { endsOf, isNameBefore, type NameEnds } from './name-ends.js'
import { isShort } from './names.js'

/** Texts that take more bytes are not looked through. */
const most = 65_536
/** Zeros before a text, so that looking back needs no bounds; looking ahead may see too much, and say yes in vain. */
const margin = 16

const table = (signs: RegExp) => Uint8Array.from({ length: 256 }, (_, n) => Number(signs.test(String.fromCharCode(n))))
const isPlain = table(/[^\0-\x20+=:,%@_.A\d\x7f-\xff-]/)
const isDigit = table(/\d/)
const isWord = table(/\w/)
/** All that is not ASCII may be a blank too. */
const isBlank = table(/[\t-\r \x80-\xff]/)
const isNoLetter = table(/[^a-z\d]/i)
/** ?, &, ;, and the ends of %3F and %26. */
const beginsParameter = table(/[?&;f6]/i)
/** The last letters of the prefixes of keys. */
const isPrefixEnd = table(/[pousrkmtabe]/)

/**
 * Tells in one pass whether a text may hold a secret, which is quicker by far than to look for each kind. Never no where one of
 * the patterns would find something; sometimes yes where none does.
 */
export function createSuspicion(keys: string[], parameters: string[]): (text: string) => boolean {
  const bytes = Buffer.alloc(margin + most + 1)
  const names = endsOf(keys, isShort, isNoLetter)
  const queries = endsOf(parameters, () => true, beginsParameter)
  return (text) => {
    // UTF-8 takes three bytes at most for each unit of UTF-16.
    if (3 * text.length > most) return true
    const end = margin + bytes.write(text, margin)
    bytes[end] = 0
    return mayHold(bytes, end, names, queries)
  }
}

function mayHold(bytes: Buffer, end: number, names: NameEnds, queries: NameEnds): boolean {
  let hasScheme = false
  for (let i = margin; ; i++) {
    while (isPlain[bytes[i]!] === 1) i++
    if (i >= end) return false
    switch (bytes[i]) {
      case 0x3a: // :
        if (isNameBefore(bytes, quoteBefore(bytes, i), names)) return true
        hasScheme ||= bytes[i + 1] === 0x2f || bytes[i + 1] === 0x5c // / or \
        break
      case 0x2c: // , of a list, behind a quote
        if (bytes[i - 1] !== 0x22 && isBlank[bytes[i - 1]!] === 0) break
        if (isNameBefore(bytes, quoteBefore(bytes, i), names)) return true
        break
      case 0x3d: // =
        if (isNameBefore(bytes, quoteBefore(bytes, i), names) || isNameBefore(bytes, i, queries)) return true
        break
      case 0x25: // %
        if (isSuspectEscape(bytes, i, names, queries)) return true
        break
      case 0x40: // @
        if (hasScheme) return true
        break
      case 0x41: // A
        if ((bytes[i + 1] === 0x4b || bytes[i + 1] === 0x53) && isKeyAt(bytes, i)) return true // K, S
        break
      case 0x2e: // .
        if (bytes[i + 1] === 0x65 && isKeyAt(bytes, i)) return true // e
        break
      case 0x2d: // -
        if (bytes[i + 1] === 0x2d && isKeyAt(bytes, i)) return true
        if (isPrefixBefore(bytes, i)) return true
        break
      case 0x5f: // _
        if (isPrefixBefore(bytes, i)) return true
        break
      default:
        if (isDigit[bytes[i]!] === 0) {
          if (isCredentialBefore(bytes, i)) return true
          break
        }
        if (isWord[bytes[i - 1]!] === 0 && bytes[i - 1] !== 0x2e && isCardLike(bytes, i)) return true
        while (isDigit[bytes[i + 1]!] === 1) i++
    }
  }
}

/** Where what stands before a separator ends, less blanks and a quote. */
function quoteBefore(bytes: Buffer, i: number): number {
  let end = i
  while (isBlank[bytes[end - 1]!] === 1) end--
  const last = bytes[end - 1]
  if (last === 0x22 || last === 0x27) {
    end--
    while (bytes[end - 1] === 0x5c) end--
  } else if (last === 0x32 && bytes[end - 2] === 0x32 && bytes[end - 3] === 0x25) end -= 3 // %22
  return end
}

/** `%3D` and `%3A` are separators, `%20` is a blank. */
function isSuspectEscape(bytes: Buffer, i: number, names: NameEnds, queries: NameEnds): boolean {
  if (bytes[i + 1] === 0x32) return bytes[i + 2] === 0x30 && isCredentialBefore(bytes, i)
  const isSeparator = bytes[i + 1] === 0x33 && /[ad]/i.test(String.fromCharCode(bytes[i + 2]!))
  return isSeparator && (isNameBefore(bytes, quoteBefore(bytes, i), names) || isNameBefore(bytes, i, queries))
}

function isCredentialBefore(bytes: Buffer, i: number): boolean {
  const last = bytes[i - 1]! | 0x20
  return (last === 0x72 || last === 0x63) && /(?:bearer|basic)$/i.test(bytes.toString('latin1', i - 6, i)) // r, c
}

/** As many digits as a card has, alone or in groups. */
function isCardLike(bytes: Buffer, start: number): boolean {
  const first = bytes[start]!
  if (first < 0x32 || first > 0x36) return false
  const fewest = first === 0x34 ? 13 : 14 // Visa's, by 4, may be short
  let digits = 0
  for (let i = start; ; i++) {
    if (isDigit[bytes[i]!] === 1) digits++
    else if (!(bytes[i] === 0x20 || bytes[i] === 0x2d) || isDigit[bytes[i + 1]!] === 0) break
  }
  return digits >= fewest
}

/** The signs of PEM, of JSON web tokens, and of keys of AWS. */
function isKeyAt(bytes: Buffer, i: number): boolean {
  return /^(?:A[KS]IA|-----BEGIN|\.eyJ)/.test(bytes.toString('latin1', i, i + 10))
}

/** The prefixes of other keys. */
function isPrefixBefore(bytes: Buffer, i: number): boolean {
  if (isPrefixEnd[bytes[i - 1]!] === 0) return false
  const before = bytes.toString('latin1', i - 11, i + 1)
  return /(?<!\w)(?:(?:gh[pousr]|[rs]k|npm|github_pat)_|(?:glpat|xox\w|sk)-)$/.test(before)
}
