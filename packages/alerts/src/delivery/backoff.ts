const baseMs = 1_000
const mostMs = 60_000
const leastMs = 100

/** How long to wait after so many failures: with full jitter, so that processes don't come back all at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  return Math.max(leastMs, random() * Math.min(mostMs, baseMs * 2 ** (failures - 1)))
}
