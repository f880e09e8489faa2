import { decode } from './decode.js'
import { replaceForms } from './forms.js'
import { defaultKeys, defaultQuery, everydayKeys, pluralKeys, type SecretsOptions } from './options.js'
import { createSuspicion } from './suspicion.js'
import { replaceParameters, replaceValues } from './values.js'
import { keepWhole } from './whole.js'

/** Takes the secrets out of a line, or of any part of one. */
export type Scrub = (text: string) => string

export function createScrubber(options: SecretsOptions): Scrub {
  const { keys = [], query = [], patterns = [], censor = '[secret]' } = options
  const [mayHold, replaceKnown] = [createSuspicion(namesOf(keys), parametersOf(query)), createReplacement(options)]
  const given = patterns.map((pattern) => new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`))
  const replaceAll = (text: string) => {
    const clean = mayHold(text) ? replaceKnown(text) : text
    return given.reduce((cleaner, pattern) => cleaner.replace(pattern, censor), clean)
  }
  const isSecret = (key: string) => {
    const field = `{${JSON.stringify(key)}:"."}`
    return replaceKnown(field) !== field
  }
  const replaceWhole = keepWhole(replaceAll, isSecret, censor)
  return given.length > 0 ? replaceWhole : (text) => (mayHold(text) ? replaceWhole(text) : text)
}

/** Looks for each kind of secret, but for patterns of the app's own. */
export function createReplacement({ keys = [], query = [], censor = '[secret]' }: SecretsOptions): Scrub {
  const byKey = replaceValues(namesOf(keys), keys, censor)
  const byParameter = replaceParameters(parametersOf(query), censor)
  const replace = (text: string) => replaceForms(byParameter(byKey(text)), censor)
  return (text) => {
    const plain = decode(text)
    const clean = replace(plain)
    // What is written in another way stays so, where nothing is found.
    return plain === text || clean !== plain ? clean : replace(text)
  }
}

export function namesOf(keys: string[]): string[] {
  return [...defaultKeys, ...pluralKeys, ...everydayKeys, ...keys]
}

export function parametersOf(query: string[]): string[] {
  return [...defaultQuery, ...query]
}
