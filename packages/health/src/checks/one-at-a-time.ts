interface Waiter<Value> {
  resolve(value: Value): void
  reject(error: unknown): void
}

/**
 * Makes a check's run of a call that can't be called off. A run waits no longer than its signal; a call that outlives it is
 * waited for by the next run and not made again, so that nothing piles up in a client whose server is away.
 */
export function oneAtATime<Value>(call: () => Promise<Value>): (signal: AbortSignal) => Promise<Value> {
  const waiters = new Set<Waiter<Value>>()
  let isPending = false
  const settle = (tell: (waiter: Waiter<Value>) => void) => {
    isPending = false
    for (const waiter of waiters) tell(waiter)
    waiters.clear()
  }
  return (signal) =>
    new Promise((resolve, reject) => {
      const waiter = { resolve, reject }
      waiters.add(waiter)
      const giveUp = () => {
        waiters.delete(waiter)
        reject(signal.reason)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      if (isPending) return
      isPending = true
      // Once for each call: what is attached to one that never settles would be kept for ever.
      call().then(
        (value) => settle((waiter) => waiter.resolve(value)),
        (error) => settle((waiter) => waiter.reject(error)),
      )
    })
}
