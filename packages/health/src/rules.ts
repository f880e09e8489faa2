import { inspect } from 'node:util'
import { OptionError, UnknownOptionError } from './errors.js'

/** What a value must be, in words and as a test. */
export interface Rule {
  must: string
  test(value: unknown): boolean
}

/** The longest time that Node's timers take; they make 1 ms of a longer one. */
const longestMs = 2_147_483_647

const isNumber = (value: unknown, least: number, most: number) =>
  typeof value === 'number' && value >= least && value <= most

export const duration: Rule = {
  must: `a number of milliseconds from 1 to ${longestMs}`,
  test: (value) => isNumber(value, 1, longestMs),
}

export const count: Rule = {
  must: 'a whole number from 1',
  test: (value) => Number.isSafeInteger(value) && isNumber(value, 1, Infinity),
}

export const size: Rule = { must: 'a number above 0', test: (value) => isNumber(value, Number.MIN_VALUE, Infinity) }

export const share: Rule = {
  must: 'a share, above 0 and at most 1',
  test: (value) => isNumber(value, Number.MIN_VALUE, 1),
}

export const port: Rule = {
  must: 'a port number from 0 to 65535',
  test: (value) => Number.isInteger(value) && isNumber(value, 0, 65_535),
}

export const text: Rule = {
  must: 'a text that is not empty',
  test: (value) => typeof value === 'string' && value !== '',
}

export const callable: Rule = { must: 'a function', test: (value) => typeof value === 'function' }

export const object: Rule = {
  must: 'an object',
  test: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** @throws ERR_HEALTH_OPTION */
export function refuse(name: string, must: string, value: unknown): never {
  throw new OptionError(name, must, inspect(value, { depth: 1, breakLength: Infinity }))
}

/**
 * The value, if it is what it must be; the stand-in, if none is given.
 * @throws ERR_HEALTH_OPTION
 */
export function take<T, Default extends T | undefined = undefined>(
  name: string,
  value: T | undefined,
  rule: Rule,
  standIn?: Default,
): T | Default {
  if (value === undefined) return standIn as Default
  if (!rule.test(value)) refuse(name, rule.must, value)
  return value
}

/**
 * The value, if it is an object that has no other keys than these. `of` leads its keys in messages, as in `load.shed`.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function takeObject<T extends object>(name: string, value: T, keys: readonly string[], of: string = name): T {
  if (!object.test(value)) refuse(name, object.must, value)
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new UnknownOptionError(of ? `${of}.${key}` : key, keys.join(', '))
  }
  return value
}
