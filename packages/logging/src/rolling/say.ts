import { writeSync } from 'node:fs'
import { isBusy, pause } from './operation.js'

/**
 * Says it on standard error, for the log itself may be what fails; or on standard output. A pipe takes what it has room for, and its
 * reader may be slow.
 * @param withinMs how long it is waited for
 * @returns what was not said, since nobody reads it
 */
export function say(
  text: string | Buffer,
  { fd = 2, withinMs = 100 }: { fd?: number; withinMs?: number } = {},
): Buffer {
  let rest = typeof text === 'string' ? Buffer.from(text) : text
  const endMs = performance.now() + withinMs
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if (!isBusy(error as Error) || performance.now() >= endMs) break
      pause()
    }
  }
  return rest
}
