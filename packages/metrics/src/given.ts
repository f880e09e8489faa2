import { inspect } from 'node:util'
import { OptionError, UnknownOptionError } from './errors.js'

/** What a given value must be, in words and as a test. */
export interface Rule {
  must: string
  test(value: unknown): boolean
}

const isNumber = (value: unknown, least: number, most: number) =>
  typeof value === 'number' && value >= least && value <= most

export const flag: Rule = { must: 'true or false', test: (value) => typeof value === 'boolean' }

export const count: Rule = {
  must: 'a whole number from 1',
  test: (value) => Number.isSafeInteger(value) && isNumber(value, 1, Infinity),
}

export const duration: Rule = {
  must: 'a number of milliseconds above 0',
  test: (value) => isNumber(value, Number.MIN_VALUE, Number.MAX_VALUE),
}

export const share: Rule = {
  must: 'a share above 0 and below 1, as 0.999',
  test: (value) => isNumber(value, Number.MIN_VALUE, 1 - Number.EPSILON),
}

export const port: Rule = {
  must: 'a port number from 0 to 65535',
  test: (value) => Number.isInteger(value) && isNumber(value, 0, 65_535),
}

export const text: Rule = {
  must: 'a text that is not empty',
  test: (value) => typeof value === 'string' && value.trim() !== '',
}

export const callable: Rule = { must: 'a function', test: (value) => typeof value === 'function' }

export const object: Rule = {
  must: 'an object',
  test: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** https://prometheus.io/docs/concepts/data_model, where colons are for recording rules. */
export const metricName: Rule = {
  must: 'a metric name of letters, digits and _, that does not begin with a digit',
  test: (value) => typeof value === 'string' && /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(value),
}

const reserved = ['le', 'quantile']

export const labelNames: Rule = {
  must: 'a list of different label names, of letters, digits and _, none of them le, quantile or beginning with __ or a digit',
  test: (value) =>
    Array.isArray(value) &&
    new Set(value).size === value.length &&
    value.every((name) => /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(`${name}`) && !reserved.includes(name)),
}

export const buckets: Rule = {
  must: 'a list of finite numbers, each above the one before',
  test: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > value[i - 1])),
}

/** @throws ERR_METRICS_OPTION */
export function fail(name: string, must: string, value: unknown): never {
  throw new OptionError(name, must, inspect(value, { depth: 1, breakLength: Infinity }))
}

/**
 * The value, if it is what it must be; the stand-in, if none is given.
 * @throws ERR_METRICS_OPTION
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
 * The value, if it is an object that has no other keys than these. `of` leads its keys in messages, as in `http.labels`.
 * @throws ERR_METRICS_OPTION
 * @throws ERR_METRICS_UNKNOWN_OPTION
 */
export function takeObject<T extends object>(name: string, value: T, keys: readonly string[], of: string = name): T {
  if (!object.test(value)) fail(name, object.must, value)
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new UnknownOptionError(of ? `${of}.${key}` : key, keys.join(', '))
  }
  return value
}
