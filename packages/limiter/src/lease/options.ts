import * as given from '../given.js'
import { take, takeObject } from '../given.js'

/** How an instance takes tokens of a limit in Redis in advance, to spend them by itself. */
export interface LeaseOptions {
  /** How many it takes of a key that is new to it. Default a 500th of the limit, at most 20. */
  first?: number
  /** How many it takes at once, at most, besides those that are waited for. Default 10000. */
  max?: number
  /** Those of a key that nobody has asked for, for so long, are given back, if they are a share of the limit that matters. Default 100. */
  returnAfterMs?: number
  /** For how long a key whose limit others hold the rest of is not asked for; then twice as long, and so on. Default 250. */
  denyForMs?: number
}

export interface LeaseSettings {
  first: number | undefined
  max: number
  returnAfterMs: number
  denyForMs: number
}

/**
 * @throws ERR_LIMITER_OPTION
 * @throws ERR_LIMITER_UNKNOWN_OPTION
 */
export function resolveLease(name: string, lease: LeaseOptions | false | undefined): LeaseSettings | undefined {
  if (lease === undefined || lease === false) return undefined
  takeObject(name, lease, ['first', 'max', 'returnAfterMs', 'denyForMs'])
  const first = take(`${name}.first`, lease.first, given.limit)
  const max = take(`${name}.max`, lease.max, given.limit, 10_000)
  if (first !== undefined && first > max) given.fail(`${name}.first`, `no more than ${name}.max (${max})`, first)
  return {
    first,
    max,
    returnAfterMs: take(`${name}.returnAfterMs`, lease.returnAfterMs, given.duration, 100),
    denyForMs: take(`${name}.denyForMs`, lease.denyForMs, given.duration, 250),
  }
}
