import { replaceCards } from './cards.js'
import { isShort, unite } from './names.js'
import { defaultKeys, defaultPatterns, defaultQuery, type SecretsOptions } from './options.js'
import { createSuspicion } from './suspicion.js'
import { endOfBare, endOfHeader, endOfNested, endOfQuoted } from './value.js'

/** Takes the secrets out of a line, or of any part of one. */
export type Scrub = (text: string) => string

/** Headers are named in lists too, as in rawHeaders, and in texts their values reach to the end of the line. */
const header = /(?:authorization|cookie)$/i

export function createScrubber(options: SecretsOptions): Scrub {
  const { keys = [], query = [], patterns = [], censor = '[secret]' } = options
  const [mayHold, replaceKnown] = [createSuspicion(namesOf(keys), parametersOf(query)), createReplacement(options)]
  const given = patterns.map((pattern) => new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`))
  if (given.length === 0) return (text) => (mayHold(text) ? replaceKnown(text) : text)
  return (text) => {
    const clean = mayHold(text) ? replaceKnown(text) : text
    return given.reduce((cleaner, pattern) => cleaner.replace(pattern, censor), clean)
  }
}

/** Looks for each kind of secret, but for patterns of the app's own. */
export function createReplacement({ keys = [], query = [], censor = '[secret]' }: SecretsOptions): Scrub {
  const names = unite(namesOf(keys), isShort)
  const found = new RegExp(`(${names})(\\\\*["']|%22)?\\s*(=>|[:=,]|%3D|%3A)\\s*`, 'gi')
  const parameter = new RegExp(`([?&;]|%3F|%26)(${unite(parametersOf(query), () => false)})(=|%3D)`, 'gi')
  const known = Object.values(defaultPatterns)
  return (text) => {
    let clean = replaceParameters(replaceValues(text, found, censor), parameter, censor)
    for (const pattern of known) clean = clean.replace(pattern, censor)
    return replaceCards(clean, censor)
  }
}

function namesOf(keys: string[]): string[] {
  return [...defaultKeys, ...keys]
}

function parametersOf(query: string[]): string[] {
  return [...defaultQuery, ...query]
}

function replaceValues(text: string, found: RegExp, censor: string): string {
  let clean = ''
  let done = 0
  found.lastIndex = 0
  for (let match = found.exec(text); match; match = found.exec(text)) {
    const [all, name = '', quote = '', separator] = match
    const start = match.index + all.length
    const value = valueAt(text, start, name, quote, separator === ',')
    if (!value) continue
    clean += text.slice(done, value.start) + (value.isBare ? `"${censor}"` : censor)
    done = value.end
    found.lastIndex = Math.max(done, start)
  }
  return done === 0 ? text : clean + text.slice(done)
}

/** What is to be replaced of the value that begins there; `isBare` if the censor needs quotes to stay JSON. */
function valueAt(
  text: string,
  start: number,
  name: string,
  quote: string,
  isList: boolean,
): { start: number; end: number; isBare: boolean } | undefined {
  const escapes = quote.endsWith('"') ? quote.length - 1 : -1
  if (isList && !(escapes >= 0 && header.test(name))) return undefined
  const [, opening = ''] = /^(\\*["'])/.exec(text.slice(start, start + 16)) ?? []
  if (opening.endsWith('"')) {
    // A quote that is no opening one ends the text in which the name stands.
    if (opening.length - 1 < escapes || (escapes < 0 && opening === '"')) return undefined
    const from = start + opening.length
    return { start: from, end: endOfQuoted(text, from, opening.length - 1), isBare: false }
  }
  if (opening.endsWith("'")) {
    const from = start + opening.length
    const end = text.indexOf("'", from)
    return { start: from, end: end < 0 ? endOfHeader(text, from) : end, isBare: false }
  }
  const isNested = text[start] === '{' || text[start] === '['
  if (escapes >= 0 && isNested) return { start, end: endOfNested(text, start, escapes), isBare: escapes === 0 }
  if (escapes === 0) {
    const end = start + /^[^,}\]\s]*/.exec(text.slice(start, start + 400))![0].length
    const literal = text.slice(start, end)
    // There is nothing in it to hide.
    return /^(?:null|true|false)$/.test(literal) ? undefined : { start, end, isBare: true }
  }
  const end = header.test(name) ? endOfHeader(text, start) : endOfBare(text, start)
  return end > start ? { start, end, isBare: false } : undefined
}

function replaceParameters(text: string, parameter: RegExp, censor: string): string {
  let clean = ''
  let done = 0
  parameter.lastIndex = 0
  for (let match = parameter.exec(text); match; match = parameter.exec(text)) {
    const start = match.index + match[0].length
    clean += text.slice(done, start) + censor
    done = endOfBare(text, start)
    parameter.lastIndex = done
  }
  return done === 0 ? text : clean + text.slice(done)
}
