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
const isLetter = table(/[a-z]/i)
/** What may stand before the comma of a list. All that is not ASCII may be a blank. */
const isListed = table(/[\t-\r "'+09trn\x80-\xff]/i)
const isNoLetter = table(/[^a-z\d]/i)
/** ?, &, ;, [, and the ends of %3F, %26 and %5B. */
const beginsParameter = table(/[?&;f6[b]/i)
/** What may stand between a name and its separator, or is the last sign of it: quotes, brackets, blanks, digits, escapes. */
const isBetween = table(/[\t-\r "'+%[\]\dBDtnr\x80-\xff]/i)
/** The bytes of letters, digits and . _ ~ -, and of a percent sign. */
const isDecoded = /^(?:2[5de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])$/i
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
        if (isKeyBefore(bytes, i, names)) return true
        hasScheme ||= bytes[i + 1] === 0x2f || bytes[i + 1] === 0x5c // / or \
        break
      case 0x2c: // , of a list, behind a quote
        if (isListed[bytes[i - 1]!] === 0) break
        // A name in a list has no number behind it.
        if (bytes[i - 1] === 0x22 && isDigit[bytes[i - 2]!] === 1) {
          if (isNameBefore(bytes, i - 1, names)) return true
        } else if (isKeyBefore(bytes, i, names)) return true
        break
      case 0x3d: // =
        if (isKeyBefore(bytes, i, names) || isKeyBefore(bytes, i, queries)) return true
        break
      case 0x25: // %
        hasScheme ||= bytes[i + 1] === 0x33 && bytes[i + 3] === 0x25 // %3A%2F
        if (hasScheme && bytes[i + 1] === 0x34 && bytes[i + 2] === 0x30) return true // %40
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
        if (isWord[bytes[i - 1]!] === 0) {
          if (bytes[i - 1] !== 0x2e && isCardLike(bytes, i)) return true
        } else if (bytes[i - 1] === 0x75 && isNeedlessEscape(bytes, i)) return true // u
        while (isDigit[bytes[i + 1]!] === 1) i++
    }
  }
}

/** Whether one of the names ends before a separator, less all that may stand between the two. */
function isKeyBefore(bytes: Buffer, i: number, names: NameEnds): boolean {
  let end = i
  if (bytes[i - 1] === 0x22) {
    // As nearly all are: a quote behind a letter that is no part of an escape.
    const isUsual = isLetter[bytes[i - 2]!] === 1 && bytes[i - 3] !== 0x5c && bytes[i - 4] !== 0x25
    if (isUsual) return isNameBefore(bytes, i - 1, names)
    end = beforeBackslashes(bytes, i - 1)
  }
  for (;;) {
    if (isNameBefore(bytes, end, names)) return true
    if (isBetween[bytes[end - 1]!] === 0) return false
    const next = betweenBefore(bytes, end)
    if (next === end) return false
    end = next
  }
}

function betweenBefore(bytes: Buffer, end: number): number {
  const last = bytes[end - 1]!
  if (last === 0x22 || last === 0x27) return beforeBackslashes(bytes, end - 1)
  if (isLetter[last] === 0) return end - 1
  // \n and the like, %5B and %5D
  if (bytes[end - 2] === 0x5c) return beforeBackslashes(bytes, end - 1)
  return bytes[end - 3] === 0x25 ? end - 1 : end
}

function beforeBackslashes(bytes: Buffer, end: number): number {
  let at = end
  while (bytes[at - 1] === 0x5c) at--
  return at
}

/** `%3D` and `%3A` are separators, `%20` is a blank; letters and what is encoded twice are decoded; digits may be a card. */
function isSuspectEscape(bytes: Buffer, i: number, names: NameEnds, queries: NameEnds): boolean {
  const [first, second] = [bytes[i + 1]!, bytes[i + 2]!]
  if (first === 0x25 || first < 0x32 || first > 0x37) return isDigit[bytes[i + 3]!] === 1 && isCardLike(bytes, i + 3)
  if (isDecoded.test(String.fromCharCode(first, second))) return true
  if (isDigit[bytes[i + 3]!] === 1 && isCardLike(bytes, i + 3)) return true
  if (first === 0x32) return second === 0x30 && isCredentialBefore(bytes, i)
  const isSeparator = first === 0x33 && /[ad]/i.test(String.fromCharCode(second))
  return isSeparator && (isKeyBefore(bytes, i, names) || isKeyBefore(bytes, i, queries))
}

function isCredentialBefore(bytes: Buffer, i: number): boolean {
  const last = bytes[i - 1]! | 0x20
  return (last === 0x72 || last === 0x63) && /(?:bearer|basic)$/i.test(bytes.toString('latin1', i - 6, i)) // r, c
}

/** As \u0061, which JSON does not need. */
function isNeedlessEscape(bytes: Buffer, i: number): boolean {
  return bytes[i - 2] === 0x5c && bytes[i] === 0x30 && bytes[i + 1] === 0x30 && bytes[i + 2]! > 0x31
}

/** As many digits as a card has, alone or in groups. */
function isCardLike(bytes: Buffer, start: number): boolean {
  const first = bytes[start]!
  if (first < 0x32 || first > 0x36) return false
  const fewest = first === 0x34 ? 13 : 14 // Visa's, by 4, may be short
  let digits = 0
  for (let i = start; ; i++) {
    const sign = bytes[i]!
    if (isDigit[sign] === 1) digits++
    else if (sign === 0x25 && bytes[i + 1] === 0x32 && bytes[i + 2] === 0x30)
      i += 2 // %20
    else if (!(sign === 0x20 || sign === 0x2d || sign === 0x2b) || isDigit[bytes[i + 1]!] === 0) break
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
