/**
 * Makes a check's run of a call that can't be called off. A run waits no longer than its signal; a call that outlives it is
 * waited for by the next run and not made again, so that nothing piles up in a client whose server is away.
 */
export function oneAtATime(call: () => Promise<unknown>): (signal: AbortSignal) => Promise<unknown> {
  let pending: Promise<unknown> | undefined
  return (signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      pending ??= call().finally(() => {
        pending = undefined
      })
      pending.then(resolve, reject)
    })
}
