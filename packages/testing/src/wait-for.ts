import { setTimeout as sleep } from 'node:timers/promises'

export interface WaitOptions {
  /** How long to wait before giving up. Default 60_000, which is for slow machines. */
  timeoutMs?: number
  /** Pause between two looks. Default 10. */
  everyMs?: number
  /** What is awaited, for the error. */
  what?: string
}

/**
 * Waits until `condition` gives a truthy value, and resolves with it. A condition that throws counts as not yet true.
 * @throws Error after `timeoutMs`, with what the condition last threw as its cause.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs = 10, what = 'the condition' }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    const pending = new AbortController()
    try {
      const leftMs = Math.max(0, deadline - performance.now())
      const value = await Promise.race([
        condition(),
        sleep(leftMs, undefined, { signal: pending.signal }), // a condition that hangs is not met either
      ])
      if (value) return value
      cause = undefined
    } catch (error) {
      cause = error
    } finally {
      pending.abort()
    }
    if (performance.now() >= deadline) throw new Error(`${what} was not met within ${timeoutMs} ms`, { cause })
    await sleep(everyMs)
  }
}
