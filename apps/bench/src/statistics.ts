/** A median of several rounds, and how far off it may be. */
export interface Estimate {
  median: number
  /** Undefined with one round, which says nothing of it. */
  plusMinus?: number
}

const confidence = 0.99

/**
 * The true median lies within the margin 99 times in 100, whatever the distribution: it reaches to the farther end of the sign
 * test's interval, from the k-th lowest to the k-th highest value. Under eight rounds nothing is that sure: it holds them all.
 */
export function estimate(values: number[]): Estimate {
  const middle = median(values)
  if (values.length < 2) return { median: middle }
  const sorted = values.toSorted((a, b) => a - b)
  const k = innermostRank(values.length)
  return { median: middle, plusMinus: Math.max(middle - sorted[k - 1]!, sorted[sorted.length - k]! - middle) }
}

/** What the margin of so many rounds says. */
export function marginMeaning(rounds: number): string {
  const isSure = 1 - 2 / 2 ** rounds >= confidence
  return isSure ? 'holds the true median 99 times in 100' : 'reaches to the farthest round: they are too few for more'
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The highest k for which fewer than k of n coins show heads so rarely that the interval is still sure enough. */
function innermostRank(n: number): number {
  let k = 1
  let outcomes = 1 // n over 0
  for (let below = outcomes; ; k++) {
    outcomes = (outcomes * (n - k + 1)) / k
    below += outcomes
    if (1 - (2 * below) / 2 ** n < confidence) return k
  }
}
