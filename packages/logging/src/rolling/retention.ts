import type { LogName } from './names.js'

interface StoredFile extends LogName {
  path: string
  size: number
  mtimeMs: number
}

/** Which files are to be removed: of those that were rolled, the oldest, until all limits are kept. */
export function outdated(
  all: StoredFile[],
  limits: { files: number; ageMs: number; totalBytes: number },
  nowMs: number,
): string[] {
  const rolled = all.filter(({ label }) => label !== undefined)
  rolled.sort((a, b) => b.mtimeMs - a.mtimeMs || (b.label ?? '').localeCompare(a.label ?? '') || b.number - a.number)
  let bytes = all.reduce((sum, { label, size }) => (label === undefined ? sum + size : sum), 0)
  let isOver = false
  return rolled
    .filter(({ size, mtimeMs }, i) => {
      bytes += size
      // Once one is over, all that are older go too: what is kept has no gaps.
      isOver ||= i >= limits.files || nowMs - mtimeMs > limits.ageMs || bytes > limits.totalBytes
      return isOver
    })
    .map(({ path }) => path)
}
