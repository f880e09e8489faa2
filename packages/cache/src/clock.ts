/**
 * Milliseconds that only go forward, read once for each run of JavaScript from the event loop: within it nothing can arrive that
 * would make a value stale. After a process was stopped it is read anew before the first request is handled.
 */
let cachedMs = 0

const forget = (): void => {
  cachedMs = 0
}

export function nowMs(): number {
  if (cachedMs !== 0) return cachedMs
  process.nextTick(forget)
  cachedMs = performance.now()
  return cachedMs
}

/** A pause that keeps no process alive. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
