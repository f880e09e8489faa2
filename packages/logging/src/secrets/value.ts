/** Finds where values end in the text of a line, without parsing it: a line is JSON, and its texts may hold JSON again. */

const backslash = '\\'

/** How many backslashes stand before a place. */
function backslashesBefore(text: string, at: number): number {
  let count = 0
  while (text[at - 1 - count] === backslash) count++
  return count
}

/**
 * Where a quoted text ends, after its last character. `escapes` is how many backslashes its quotes have: 0 in the line itself,
 * 1 in JSON within a text, 3 in JSON within that.
 */
export function endOfQuoted(text: string, from: number, escapes: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    const before = backslashesBefore(text, at)
    if (before >= escapes && (before - escapes) % (2 * (escapes + 1)) === 0) return at - escapes
    // The text around it ends, and with it what was not closed.
    if (before < escapes && before % 2 === 0) return at
  }
  return text.length
}

/** Where an object or a list ends, after its closing bracket. */
export function endOfNested(text: string, from: number, escapes: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const sign = text[at]!
    if (sign === '{' || sign === '[') depth++
    else if (sign === '}' || sign === ']') depth--
    else if (sign === '"') {
      if (escapes > 0 && backslashesBefore(text, at) < escapes) return at
      at = endOfQuoted(text, at + 1, escapes) + escapes
    }
    if (depth === 0) return at + 1
  }
  return text.length
}

const bareEnd = /[&\s"'<>;|]|%26|\\(?!\\)/g

/** Where a value without quotes ends. */
export function endOfBare(text: string, from: number): number {
  bareEnd.lastIndex = from
  for (let match = bareEnd.exec(text); match; match = bareEnd.exec(text)) {
    // An escaped backslash is part of it.
    if (match[0] === backslash && text[match.index - 1] === backslash && text[match.index + 1] !== '"') continue
    return match.index
  }
  return text.length
}

const headerEnd = /"|\\+[rn]/g

/** Where a header in a text ends: with its line. */
export function endOfHeader(text: string, from: number): number {
  headerEnd.lastIndex = from
  const match = headerEnd.exec(text)
  if (!match) return text.length
  return match[0] === '"' ? match.index - backslashesBefore(text, match.index) : match.index
}
