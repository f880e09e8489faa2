import type { InvalidateOptions } from './invalidation.js'
import { flag, refuse, take, takeObject } from './rules.js'

/**
 * @throws ERR_CACHE_OPTION
 * @throws ERR_CACHE_UNKNOWN_OPTION
 */
export function confirms(options: InvalidateOptions | undefined): boolean {
  if (options === undefined) return false
  takeObject('the options', options, ['confirm'], '')
  return take('confirm', options.confirm, flag, false)
}

/** In a message: the first of them, and how many more there are. */
export function labelOf(kind: string, names: readonly string[]): string {
  const first = names.slice(0, 3).map((name) => `"${name}"`)
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  return `${kind === '' ? '' : `${kind} `}${first.join(', ')}${more}`
}

/** @throws ERR_CACHE_OPTION */
export function pairsOf(
  entries: Iterable<readonly [key: string, value: unknown]>,
): (readonly [key: string, value: unknown])[] {
  const must = 'a list of pairs of key and value, or a Map'
  if (typeof entries !== 'object' || entries === null || !(Symbol.iterator in entries))
    refuse('the entries', must, entries)
  const pairs = [...entries]
  for (const pair of pairs) if (!Array.isArray(pair) || pair.length !== 2) refuse('the entries', must, pair)
  return pairs
}
