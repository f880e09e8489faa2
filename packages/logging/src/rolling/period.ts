/** How long a file is written to: until the hour, day, week (from Monday) or month ends, or for a number of ms, counted from 1970. */
export type Every = 'hour' | 'day' | 'week' | 'month' | number

const hourMs = 3_600_000

/** When the period begins that a moment lies in. */
export function startOf(ms: number, every: Every, isUtc: boolean): number {
  if (typeof every === 'number') return ms - (ms % every)
  if (every === 'hour') {
    // By the offset, for an hour that the clocks are turned back over comes twice.
    const offsetMs = isUtc ? 0 : new Date(ms).getTimezoneOffset() * 60_000
    return Math.floor((ms - offsetMs) / hourMs) * hourMs + offsetMs
  }
  return dayOf(ms, every, isUtc, 0)
}

/** When the next period begins: after a day of 23, 24 or 25 hours. */
export function endOf(ms: number, every: Every, isUtc: boolean): number {
  if (typeof every === 'number') return startOf(ms, every, isUtc) + every
  if (every === 'hour') return startOf(ms, every, isUtc) + hourMs
  return dayOf(ms, every, isUtc, 1)
}

function dayOf(ms: number, every: 'day' | 'week' | 'month', isUtc: boolean, periods: number): number {
  const date = new Date(ms)
  const [year, month, day, weekday] = isUtc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCDay()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getDay()]
  const at = (y: number, m: number, d: number) => (isUtc ? Date.UTC(y, m, d) : new Date(y, m, d).getTime())
  if (every === 'month') return at(year, month + periods, 1)
  if (every === 'week') return at(year, month, day - ((weekday + 6) % 7) + 7 * periods)
  return at(year, month, day + periods)
}
