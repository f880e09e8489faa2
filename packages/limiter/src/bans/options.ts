import * as given from '../given.js'
import { take, takeObject } from '../given.js'

/** Bans whoever goes on although it is refused, for longer each time. */
export interface EscalateOptions {
  /** So many refusals within a window of the policy are an offence. */
  after: number
  /** For how long the first offence bans. */
  banMs: number
  /** Each further offence bans for so many times as long. Default 2. */
  factor?: number
  /** No ban is longer; so long after its last ban the offences of a key are forgotten. Default a day, or `banMs` if that is longer. */
  maxMs?: number
}

export type EscalateSettings = Required<EscalateOptions>

const dayMs = 86_400_000

/** @throws ERR_LIMITER_OPTION */
export function resolveEscalate(name: string, escalate: EscalateOptions | undefined): EscalateSettings | undefined {
  if (escalate === undefined) return undefined
  takeObject(name, escalate, ['after', 'banMs', 'factor', 'maxMs'])
  const need = (key: 'after' | 'banMs', rule: given.Rule): number =>
    escalate[key] === undefined
      ? given.fail(`${name}.${key}`, rule.must, undefined)
      : take(`${name}.${key}`, escalate[key], rule)!
  const after = need('after', given.limit)
  const banMs = need('banMs', given.window)
  const maxMs = take(`${name}.maxMs`, escalate.maxMs, given.window, Math.max(dayMs, banMs))
  if (maxMs < banMs) given.fail(`${name}.maxMs`, `as long as banMs, ${banMs}, or longer`, maxMs)
  return { after, banMs, factor: take(`${name}.factor`, escalate.factor, given.factor, 2), maxMs }
}

/** How long an offence bans, the first being 1. */
export function banMsOf({ banMs, factor, maxMs }: EscalateSettings, offence: number): number {
  return Math.min(maxMs, banMs * factor ** (offence - 1))
}
