import { inspect } from 'node:util'
import { OptionError, UnknownOptionError } from './errors.js'

/** What a value must be, in words and as a test. */
export interface Rule {
  must: string
  test(value: unknown): boolean
}

const isNumber = (value: unknown, least: number, most: number) =>
  typeof value === 'number' && value >= least && value <= most

/** The longest time that Node's timers take; they make 1 ms of a longer one. */
const longestMs = 2_147_483_647

export const duration: Rule = {
  must: `a number of milliseconds from 1 to ${longestMs}`,
  test: (value) => isNumber(value, 1, longestMs),
}

/** It is compared with, and no timer is set to it. */
export const age: Rule = {
  must: 'a number of milliseconds from 1',
  test: (value) => isNumber(value, 1, Number.MAX_SAFE_INTEGER),
}

export const count: Rule = {
  must: 'a whole number from 1',
  test: (value) => Number.isSafeInteger(value) && isNumber(value, 1, Infinity),
}

export const text: Rule = {
  must: 'a text that is not empty',
  test: (value) => typeof value === 'string' && value !== '',
}

export const flag: Rule = { must: 'true or false', test: (value) => typeof value === 'boolean' }

export const object: Rule = {
  must: 'an object',
  test: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** One of these. */
export function oneOf(...values: unknown[]): Rule {
  return { must: values.map((value) => inspect(value)).join(' or '), test: (value) => values.includes(value) }
}

/** A list of what keeps to the rule. */
export function listOf({ must, test }: Rule): Rule {
  return { must: `a list, each ${must}`, test: (value) => Array.isArray(value) && value.every(test) }
}

/** @throws ERR_LOGGING_OPTION */
export function refuse(name: string, must: string, value: unknown): never {
  throw new OptionError(name, must, inspect(value, { depth: 1, breakLength: Infinity }))
}

/**
 * The value, if it is what it must be; the stand-in, if none is given.
 * @throws ERR_LOGGING_OPTION
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
 * The value, if it is an object that has no other keys than these. `of` leads its keys in messages, as in `file.path`.
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 */
export function takeObject<T extends object>(name: string, value: T, keys: readonly string[], of: string = name): T {
  if (!object.test(value)) refuse(name, object.must, value)
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new UnknownOptionError(of ? `${of}.${key}` : key, keys.join(', '))
  }
  return value
}
