import type { Comparison } from './compare.js'

/**
 * The comparisons with only these contenders beside the first of each; without those where none of them takes part.
 * @throws Error when a name is nobody's
 */
export function choose(comparisons: Comparison[], only: string[] | undefined): Comparison[] {
  if (!only) return comparisons
  const known = new Set(comparisons.flatMap(({ contenders }) => contenders.map(({ name }) => name)))
  const stranger = only.find((name) => !known.has(name))
  if (stranger !== undefined) throw new Error(`--only: there is no "${stranger}", but ${[...known].join(', ')}`)
  return comparisons
    .filter(({ contenders }) => contenders.some(({ name }) => only.includes(name)))
    .map((comparison) => ({
      ...comparison,
      contenders: comparison.contenders.filter(({ name }, index) => index === 0 || only.includes(name)),
    }))
}
