import { inspect } from 'node:util'
import { OptionError, UnknownOptionError } from './errors.js'

/** What a given value must be, in words and as a test. */
export interface Rule {
  must: string
  test(value: unknown): boolean
}

/** The longest time that Node's timers take. */
const longestMs = 2_147_483_647

const isNumber = (value: unknown, least: number, most: number) =>
  typeof value === 'number' && value >= least && value <= most

export const duration: Rule = {
  must: `a number of milliseconds from 1 to ${longestMs}`,
  test: (value) => isNumber(value, 1, longestMs),
}

export const wait: Rule = {
  must: `a number of milliseconds from 0 to ${longestMs}`,
  test: (value) => isNumber(value, 0, longestMs),
}

export const number: Rule = { must: 'a finite number', test: (value) => Number.isFinite(value) }

export const count: Rule = {
  must: 'a whole number from 1',
  test: (value) => Number.isSafeInteger(value) && isNumber(value, 1, Infinity),
}

export const flag: Rule = { must: 'true or false', test: (value) => typeof value === 'boolean' }

export const text: Rule = {
  must: 'a text that is not empty',
  test: (value) => typeof value === 'string' && value.trim() !== '',
}

export const callable: Rule = { must: 'a function', test: (value) => typeof value === 'function' }

export const object: Rule = {
  must: 'an object',
  test: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

export const list: Rule = { must: 'a list', test: Array.isArray }

export const webAddress: Rule = {
  must: 'an http or https URL',
  test: (value) => typeof value === 'string' && /^https?:/.test(URL.parse?.(value)?.protocol ?? protocolOf(value)),
}

/** Node 20 has no URL.parse. */
function protocolOf(value: string): string {
  return URL.canParse(value) ? new URL(value).protocol : ''
}

/** One of these texts. */
export function oneOf(texts: readonly string[]): Rule {
  return { must: `one of ${texts.join(', ')}`, test: (value) => texts.includes(value as string) }
}

/** @throws ERR_ALERTS_OPTION */
export function fail(name: string, must: string, value: unknown): never {
  throw new OptionError(name, must, inspect(value, { depth: 1, breakLength: Infinity }))
}

/**
 * The value, if it is what it must be; the stand-in, if none is given.
 * @throws ERR_ALERTS_OPTION
 */
export function take<T, Default extends T | undefined = undefined>(
  name: string,
  value: T | undefined,
  rule: Rule,
  standIn?: Default,
): T | Default {
  if (value === undefined) return standIn as Default
  if (!rule.test(value)) fail(name, rule.must, value)
  return value
}

/** As `take`, of what must be given, and is never shown. @throws ERR_ALERTS_OPTION */
export function takeSecret(name: string, value: string, rule: Rule): string {
  if (!rule.test(value)) throw new OptionError(name, rule.must, value === undefined ? 'undefined' : '…')
  return value
}

/** As `take`, of what must be given. @throws ERR_ALERTS_OPTION */
export function need<T>(name: string, value: T | undefined, rule: Rule): T {
  if (!rule.test(value)) fail(name, rule.must, value)
  return value as T
}

/**
 * The value, if it is an object that has no other keys than these. `of` leads its keys in messages, as in `spool.dir`.
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function takeObject<T extends object>(name: string, value: T, keys: readonly string[], of: string = name): T {
  if (!object.test(value)) fail(name, object.must, value)
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new UnknownOptionError(of ? `${of}.${key}` : key, keys.join(', '))
  }
  return value
}
