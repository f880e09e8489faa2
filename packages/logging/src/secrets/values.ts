import { isShort, plainName, unite } from './names.js'
import { everydayKeys, pluralKeys } from './options.js'
import { endOfBare, endOfHeader, endOfNested, endOfQuoted, endOfSingleQuoted, escapesOf, withinText } from './value.js'

/** A name that was found, and what stands around it. */
interface Found {
  name: string
  quote: string
  separator: string
  /** Where the value begins. */
  start: number
  /** Whether it is a parameter in the query of a URL or of a form, not encoded as a whole. */
  isParameter: boolean
  /** Whether the name counts as it does in prose. */
  isEveryday: boolean
  isPlural: boolean
}

/** What is to be replaced; `isBare` if the censor needs quotes to stay JSON. */
interface Range {
  start: number
  end: number
  isBare: boolean
}

/** The number or the brackets of a name in a form: `password1`, `token[]`, `user[password]`. */
const suffix = String.raw`\d{0,3}(?:\[\d{0,4}\]|\]|%5B\d{0,4}%5D|%5D)?`
const blanks = String.raw`(?:\s|\\{1,4}[tnr]|%20|%09|\+)*`

/** Headers reach to the end of their line in texts. */
const header = /(?:authorization|cookies?)$/i
const literal = /(?:null|true|false|-?\d[\d.eE+-]*)(?=[,}\]\s\\"]|$)/y
const nothing = /^(?:null|true|false)$/
const unquoted = /[^,}\]\s]*/y
/** A list of frames follows a message, not a value. */
const frame = /at /y

/** @param given keys of the app's own, which count wherever they stand */
export function replaceValues(names: string[], given: string[], censor: string): (text: string) => string {
  const own = new Set(given.map(plainName))
  const [everyday, plural] = [everydayKeys, pluralKeys].map((list) => new Set(list.filter((name) => !own.has(name))))
  const found = new RegExp(
    `(${unite(names, isShort)})(${suffix})(\\\\*["']|%22|%27)?${blanks}(=>|[:=,]|%3D|%3A)(?:\\s|\\\\{1,4}[tnr])*`,
    'gi',
  )
  return (text) => {
    let clean = ''
    let done = 0
    found.lastIndex = 0
    for (let match = found.exec(text); match; match = found.exec(text)) {
      const [all, name = '', number = '', quote = '', separator = ''] = match
      // Names in lists are quoted.
      if (separator === ',' && (number !== '' || quote === '')) continue
      const [start, plain] = [match.index + all.length, plainName(name)]
      const isParameter = separator === '=' && quote === '' && /[?&][\w.%[\]-]*$/.test(before(text, match.index))
      const range = rangeOf(text, {
        ...{ name: before(text, match.index).match(/[\w-]*$/)![0] + name, quote, separator, start, isParameter },
        ...{ isEveryday: everyday!.has(plain), isPlural: plural!.has(plain) },
      })
      if (!range) continue
      clean += text.slice(done, range.start) + (range.isBare ? `"${censor}"` : censor)
      done = range.end
      found.lastIndex = Math.max(done, start)
    }
    return done === 0 ? text : clean + text.slice(done)
  }
}

/** As much of what stands before a name as is looked at. */
function before(text: string, at: number): string {
  return text.slice(Math.max(0, at - 64), at)
}

function rangeOf(text: string, found: Found): Range | undefined {
  const { name, quote, separator, start } = found
  const escapes = quote.endsWith('"') ? escapesOf(quote.length - 1) : -1
  // Headers are named in lists too, as in rawHeaders.
  const isInList = separator === ','
  if (isInList && !(/["']$/.test(quote) && (header.test(name) || name.includes('-')))) return undefined
  const [, slashes = '', opening] = /^(\\*)(["'])/.exec(text.slice(start, start + 32)) ?? []
  const isOpening = opening !== undefined && (opening === "'" || escapesOf(slashes.length) === slashes.length)
  if (found.isEveryday && !isOpening && (separator !== '=' || /^\d+\b/.test(text.slice(start, start + 9)))) {
    const isPin = /pin$/i.test(name) && quote !== '' && /\d/.test(text[start] ?? '')
    if (!isPin) return undefined
  }
  if (isInList && opening === '"' && isOpening) {
    const end = endOfQuoted(text, start + slashes.length + 1, slashes.length)
    const [colon] = /^\\*"\s*:\s*/.exec(text.slice(end, end + 40)) ?? []
    // A key follows: the name was itself a value, as in { name: 'cookie', value: '…' }.
    if (colon) {
      if (text.slice(start + slashes.length + 1, end) !== 'value') return undefined
      return rangeOf(text, { ...found, separator: ':', start: end + colon.length })
    }
  }
  if (isOpening) return quotedRange(text, start + slashes.length + 1, escapes, opening === '"' ? slashes.length : -1)
  const isNested = text[start] === '{' || text[start] === '['
  if (escapes === 0) {
    const end = isNested ? endOfNested(text, start, 0) : endBy(unquoted, text, start)
    const value = text.slice(start, Math.min(end, start + 40))
    if (nothing.test(value) || (found.isPlural && /^\d+$/.test(value))) return undefined
    return end > start ? { start, end, isBare: true } : undefined
  }
  const literalEnd = endBy(literal, text, start)
  if (escapes > 0 && literalEnd > start && nothing.test(text.slice(start, literalEnd))) return undefined
  if (found.isPlural && /^\d+(?![\w-])/.test(text.slice(start, start + 40))) return undefined
  if (endBy(frame, text, start) > start) return undefined
  const end = withinText(text, start, endOf(text, found, escapes > 0 && isNested ? escapes : 0, literalEnd))
  return end > start ? { start, end, isBare: false } : undefined
}

function endOf(text: string, { name, quote, start, isParameter }: Found, nestedIn: number, literalEnd: number): number {
  if (nestedIn > 0) return endOfNested(text, start, nestedIn)
  if (quote.endsWith('"') && literalEnd > start) return literalEnd
  return header.test(name) && !isParameter ? endOfHeader(text, start) : endOfBare(text, start, isParameter)
}

/** @param level of the opening quote, by its escapes; -1 for a single one */
function quotedRange(text: string, from: number, escapes: number, level: number): Range | undefined {
  // A quote that is no opening one ends the text in which the name stands.
  if (level >= 0 && (level < escapes || (escapes < 0 && level === 0))) return undefined
  if (level < 0) return { start: from, end: withinText(text, from, endOfSingleQuoted(text, from)), isBare: false }
  const end = endOfQuoted(text, from, level)
  return { start: from, end: level === 0 ? end : withinText(text, from, end), isBare: false }
}

function endBy(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start
  return pattern.test(text) ? pattern.lastIndex : start
}

export function replaceParameters(names: string[], censor: string): (text: string) => string {
  const parameter = new RegExp(
    `([?&;]|%3F|%26)(?:[\\w.-]{1,40}(?:\\[|%5B))?(?:${unite(names, () => false)})${suffix}(?:%20|\\+)?(=|%3D)`,
    'gi',
  )
  return (text) => {
    let clean = ''
    let done = 0
    parameter.lastIndex = 0
    for (let match = parameter.exec(text); match; match = parameter.exec(text)) {
      const start = match.index + match[0].length
      const end = withinText(text, start, endOfBare(text, start, /[?&]/.test(match[1]!) && match[2] === '='))
      clean += text.slice(done, start) + (end > start ? censor : '')
      done = end
      parameter.lastIndex = done
    }
    return done === 0 ? text : clean + text.slice(done)
  }
}
