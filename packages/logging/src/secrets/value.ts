/** Finds where values end in the text of a line, without parsing it: a line is JSON, and its texts may hold JSON again. */

const backslash = '\\'

/** How many backslashes stand before a place. */
export function backslashesBefore(text: string, at: number): number {
  let count = 0
  while (text[at - 1 - count] === backslash) count++
  return count
}

/**
 * How many of the backslashes before a quote escape it; the others are themselves escaped, and so part of a value. 0 in the
 * line itself, 1 in JSON within a text, 3 in JSON within that.
 */
export function escapesOf(backslashes: number): number {
  return backslashes & ~(backslashes + 1)
}

/** Where a quoted text ends, after its last character. `escapes` is how many backslashes escape its quotes. */
export function endOfQuoted(text: string, from: number, escapes: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    const found = escapesOf(backslashesBefore(text, at))
    // With fewer, the text around it ends, and with it what was not closed.
    if (found <= escapes) return at - found
  }
  return text.length
}

/** Where a text in single quotes ends. A backslash of it is two in the line. */
export function endOfSingleQuoted(text: string, from: number): number {
  for (let at = text.indexOf("'", from); at >= 0; at = text.indexOf("'", at + 1)) {
    if (backslashesBefore(text, at) % 4 === 0) return at
  }
  return endOfHeader(text, from)
}

/** Where an object or a list ends, after its closing bracket. */
export function endOfNested(text: string, from: number, escapes: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const sign = text[at]!
    if (sign === '{' || sign === '[') depth++
    else if (sign === '}' || sign === ']') depth--
    else if (sign === '"') {
      const found = escapesOf(backslashesBefore(text, at))
      if (found < escapes) return at - found
      at = endOfQuoted(text, at + 1, escapes) + escapes
    }
    if (depth === 0) return at + 1
  }
  return text.length
}

const bareEnd = /[&\s"'<>;|]|%26|\\+/g
/** In the query of a URL. An encoded & is part of the value, as all signs are that need no encoding. */
const parameterEnd = /[&\s"]|'(?=[\s,)\]}"\\]|$)|\\+/g

/** Where a value without quotes ends. */
export function endOfBare(text: string, from: number, isParameter = false): number {
  const end = isParameter ? parameterEnd : bareEnd
  end.lastIndex = from
  for (let match = end.exec(text); match; match = end.exec(text)) {
    if (match[0][0] !== backslash) return match.index
    const { length } = match[0]
    const next = text[match.index + length]
    // Escaped backslashes are part of it, an escaped quote or blank is not.
    if (next === '"') return match.index + length - escapesOf(length)
    if (length % 2 === 1 && (next === 'n' || next === 'r' || next === 't')) return match.index + length - 1
  }
  return text.length
}

const headerEnd = /"|\\[rn]/g

/** Where a header in a text ends: with its line. Quotes behind an equals sign are its own. */
export function endOfHeader(text: string, from: number): number {
  headerEnd.lastIndex = from
  for (let match = headerEnd.exec(text); match; match = headerEnd.exec(text)) {
    const before = backslashesBefore(text, match.index)
    if (match[0] !== '"') return Math.max(from, match.index - before)
    const escapes = escapesOf(before)
    if (escapes === 0 || text[match.index - escapes - 1] !== '=') return Math.max(from, match.index - escapes)
    const close = endOfQuoted(text, match.index + 1, escapes) + escapes
    if (text[close] !== '"') return close - escapes
    headerEnd.lastIndex = close + 1
  }
  return text.length
}

/** Not further than the text of the line in which a value begins, and not within an escape. */
export function withinText(text: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const sign = text[at]
    if (sign === '"') return at
    if (sign === backslash && ++at >= end) return at - 1
  }
  return end
}
