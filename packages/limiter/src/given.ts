import { inspect } from 'node:util'
import { OptionError, UnknownOptionError } from './errors.js'

/** What a given value must be, in words and as a test. */
export interface Rule {
  must: string
  test(value: unknown): boolean
}

/** The longest time that Node's timers take; they make 1 ms of a longer one. */
const longestMs = 2_147_483_647

/** What 32 bits count. */
export const mostHits = 4_294_967_295

const isWhole = (value: unknown, least: number, most: number) =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most

const whole = (what: string, least: number, most: number): Rule => ({
  must: `${what} from ${least} to ${most}`,
  test: (value) => isWhole(value, least, most),
})

export const flag: Rule = { must: 'true or false', test: (value) => typeof value === 'boolean' }

export const limit: Rule = whole('a whole number', 1, mostHits)

export const cost: Rule = whole('a whole number', 0, mostHits)

export const prefixBits: Rule = whole('a number of bits', 1, 128)

export const duration: Rule = whole('a whole number of milliseconds', 1, longestMs)

/** A year, which is more than a timer takes: windows need none. */
export const window: Rule = whole('a whole number of milliseconds', 1, 31_622_400_000)

export const factor: Rule = {
  must: 'a number of 1 or more',
  test: (value) => Number.isFinite(value) && (value as number) >= 1,
}

export const callable: Rule = {
  must: 'a function that is not async',
  test: (value) => typeof value === 'function' && value.constructor.name !== 'AsyncFunction',
}

export const object: Rule = {
  must: 'an object',
  test: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** What can stand in a header, in a metric's label and in a key alike. */
export const name: Rule = {
  must: 'a name of 1 to 64 letters, digits and _.:-',
  test: (value) => typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value),
}

export const keyPrefix: Rule = {
  must: 'a text without braces',
  test: (value) => typeof value === 'string' && !/[{}]/.test(value),
}

export const oneOf = (...values: unknown[]): Rule => ({
  must: values.map((value) => inspect(value)).join(' or '),
  test: (value) => values.includes(value),
})

/** A rule or a function. */
export const orCallable = (rule: Rule): Rule => ({
  must: `${rule.must}, or ${callable.must}`,
  test: (value) => rule.test(value) || callable.test(value),
})

/** What a function has given that can't be used, in words. A promise is nobody's any more: where it fails, that must not end the process. */
export function told(value: unknown): string {
  if (typeof (value as PromiseLike<unknown> | null | undefined)?.then !== 'function')
    return inspect(value, { depth: 0 })
  Promise.resolve(value).catch(() => {})
  return 'a promise'
}

/** @throws ERR_LIMITER_OPTION */
export function fail(name: string, must: string, value: unknown): never {
  throw new OptionError(name, must, inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 5 }))
}

/**
 * The value, if it is what it must be; the stand-in, if none is given.
 * @throws ERR_LIMITER_OPTION
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

/**
 * The value, if it is an object that has no other keys than these. `of` leads its keys in messages, as in `breaker.failures`.
 * @throws ERR_LIMITER_OPTION
 * @throws ERR_LIMITER_UNKNOWN_OPTION
 */
export function takeObject<T extends object>(name: string, value: T, keys: readonly string[], of: string = name): T {
  if (!object.test(value)) fail(name, object.must, value)
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new UnknownOptionError(of ? `${of}.${key}` : key, keys.join(', '))
  }
  return value
}
