import { inspect } from 'node:util'
import { OptionError, UnknownOptionError } from './errors.js'

/** What a value must be, in words and as a test. */
export interface Rule {
  must: string
  /** Of what may have a password in it, messages tell the kind alone. */
  isSecret?: boolean
  test(value: unknown): boolean
}

/** The longest time that Node's timers take; they make 1 ms of a longer one. */
export const longestMs = 2_147_483_647

const isNumber = (value: unknown, least: number, most: number) =>
  typeof value === 'number' && value >= least && value <= most

export const duration: Rule = {
  must: `a number of milliseconds from 1 to ${longestMs}`,
  test: (value) => isNumber(value, 1, longestMs),
}

export const durationOrZero: Rule = {
  must: `a number of milliseconds from 0 to ${longestMs}`,
  test: (value) => isNumber(value, 0, longestMs),
}

export const count: Rule = {
  must: 'a whole number from 1',
  test: (value) => Number.isSafeInteger(value) && isNumber(value, 1, Infinity),
}

export const share: Rule = { must: 'a share, from 0 and below 1', test: (value) => isNumber(value, 0, 1 - 1e-9) }

export const flag: Rule = { must: 'true or false', test: (value) => typeof value === 'boolean' }

export const text: Rule = { must: 'a text', test: (value) => typeof value === 'string' }

/** NUL would let keys of one namespace look like those of another; halves of surrogate pairs are all the same in Redis. */
export const unusable: RegExp = /\0|\p{Surrogate}/u

/** Names of tags and namespaces, which are members of a set in Redis. */
export const name: Rule = {
  must: 'a text of 1 to 512 characters, none of them NUL or half a surrogate pair',
  test: (value) => typeof value === 'string' && value.length > 0 && value.length <= 512 && !unusable.test(value),
}

export const names: Rule = {
  must: 'a list of texts of 1 to 512 characters, none of them NUL or half a surrogate pair',
  test: (value) => Array.isArray(value) && value.every((item) => name.test(item)),
}

export const object: Rule = {
  must: 'an object',
  test: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** @throws ERR_CACHE_OPTION */
export function refuse(name: string, must: string, value: unknown): never {
  throw new OptionError(name, must, inspect(value, { depth: 1, breakLength: Infinity }))
}

/**
 * The same of what may have a password in it: only its kind is told.
 * @throws ERR_CACHE_OPTION
 */
export function refuseSecret(name: string, must: string, value: unknown): never {
  const isObject = typeof value === 'object' && value !== null
  const kind = isObject ? `an object of ${value.constructor?.name || 'no class'}` : `a ${typeof value}`
  throw new OptionError(name, must, kind)
}

/**
 * The value, if it is what it must be; the stand-in, if none is given.
 * @throws ERR_CACHE_OPTION
 */
export function take<T, Default extends T | undefined = undefined>(
  name: string,
  value: T | undefined,
  rule: Rule,
  standIn?: Default,
): T | Default {
  if (value === undefined) return standIn as Default
  if (!rule.test(value)) (rule.isSecret ? refuseSecret : refuse)(name, rule.must, value)
  return value
}

/**
 * The value, if it is an object that has no other keys than these. `of` leads its keys in messages, as in `l1.maxBytes`.
 * @throws ERR_CACHE_OPTION
 * @throws ERR_CACHE_UNKNOWN_OPTION
 */
export function takeObject<T extends object>(name: string, value: T, keys: readonly string[], of: string = name): T {
  if (!object.test(value)) refuse(name, object.must, value)
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new UnknownOptionError(of ? `${of}.${key}` : key, keys.join(', '))
  }
  return value
}
