import { L2Error } from './errors.js'

/**
 * The outcome of a call, if it comes in time. What was sent may be carried out all the same.
 * @throws ERR_CACHE_L2
 */
export function within<T>(call: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new L2Error(`Redis did not answer within ${ms} ms`)), ms).unref()
    const settle =
      <Value>(done: (value: Value) => void) =>
      (value: Value) => {
        clearTimeout(timer)
        done(value)
      }
    call.then(settle(resolve), settle(reject))
  })
}
