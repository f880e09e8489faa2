export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Half the distance between the quartiles, relative to the median: how far rounds disagree. */
export function spread(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const quantile = (q: number) => sorted[Math.round(q * (sorted.length - 1))]!
  return (quantile(0.75) - quantile(0.25)) / 2 / median(values)
}
