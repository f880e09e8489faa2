import { replaceCards } from './cards.js'
import { defaultKeys, defaultPatterns, defaultQuery, type SecretsOptions } from './options.js'
import { endOfBare, endOfHeader, endOfNested, endOfQuoted } from './value.js'

/** Takes the secrets out of a line, or of any part of one. */
export type Scrub = (text: string) => string

/** Names so short that they are common as the end of another word. */
const shortLength = 4

/** Headers are named in lists too, as in rawHeaders, and in texts their values reach to the end of the line. */
const header = /(?:authorization|cookie)$/i

/** What lines have that may hold a secret. A line that has nothing of it is left alone after one look. */
export function createScrubber({ keys = [], query = [], patterns = [], censor = '[secret]' }: SecretsOptions): Scrub {
  const names = unite([...defaultKeys, ...keys])
  const found = new RegExp(`(${names})(\\\\*["']|%22)?\\s*(=>|[:=,]|%3D|%3A)\\s*`, 'gi')
  const parameter = new RegExp(`([?&;]|%3F|%26)(${unite([...defaultQuery, ...query])})(=|%3D)`, 'gi')
  const known = Object.values(defaultPatterns)
  const cardLike = /\d{4}[ -]?\d{4}/
  const hints = [names, parameter.source, 'bearer', 'basic', ':(?:\\\\*/){2}[^\\s/"]*@', '-----BEGIN', cardLike.source]
  const tokens = 'eyJ|AKIA|ASIA|gh[pousr]_|github_pat|glpat-|xox|[rs]k_|npm_|sk-'
  const isSuspect = new RegExp([...hints, tokens].join('|'), 'i')
  const given = patterns.map((pattern) => new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`))

  return (text) => {
    let clean = text
    if (isSuspect.test(text)) {
      clean = replaceValues(clean, found, censor)
      clean = replaceParameters(clean, parameter, censor)
      for (const pattern of known) clean = clean.replace(pattern, censor)
      clean = replaceCards(clean, censor)
    }
    for (const pattern of given) clean = clean.replace(pattern, censor)
    return clean
  }
}

/**
 * Alternatives that match each name with or without signs between its letters. By their first letters, so that few are tried at
 * each place of a text.
 */
function unite(names: string[]): string {
  const rests = new Map<string, Set<string>>()
  for (const name of names) {
    const [first = '', ...rest] = name.replace(/[-_]/g, '').toLowerCase()
    const start = rest.length < shortLength ? `${first}(?<![a-z\\d]${first})` : first
    const known = rests.get(start) ?? new Set()
    rests.set(start, known.add(rest.map((letter) => `[-_]?${letter}`).join('')))
  }
  return [...rests].map(([start, ends]) => `${start}(?:${[...ends].join('|')})`).join('|')
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
