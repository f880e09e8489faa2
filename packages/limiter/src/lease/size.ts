import type { Holding } from './holding.js'
import type { LeaseSettings } from './options.js'

/** Of a limit, all instances together may keep so much without need. */
const idleShare = 1 / 400

/** Where that is much, tokens are taken for so long in advance. */
const farMs = 30_000

/** How many tokens of a key may stay with an instance that does not need them. */
export function idleTokens({ bucket, limit }: Holding, instances: number): number {
  // Those of a sliding window are lost with each twentieth of it.
  const share = bucket.algorithm === 'sliding' ? idleShare / 20 : idleShare
  return Math.floor((limit * share) / instances)
}

/** Tokens are taken for so many times as long as idle ones are kept. */
const aheadTimes = 5

/** More are asked for when those that are there last for half of that. */
export const lowMs = ({ returnAfterMs }: LeaseSettings): number => (returnAfterMs * aheadTimes) / 2

/** How many tokens to take on top of those that are waited for: as many as will be asked for at the rate of the last ones. */
export function wantedTokens(holding: Holding, settings: LeaseSettings, instances: number): number {
  const { first = Math.ceil(Math.min(20, holding.limit / 500)), max, returnAfterMs } = settings
  const { rate, size } = holding
  if (rate === undefined) return Math.min(first, max)
  const wanted = Math.max(rate * returnAfterMs * aheadTimes, Math.min(idleTokens(holding, instances), rate * farMs))
  return Math.max(1, Math.min(Math.ceil(wanted), 2 * size, max))
}
