import { writeSync } from 'node:fs'

/** Says it on standard error: the log itself may be what fails. */
export function say(text: string | Buffer): void {
  try {
    writeSync(2, text as string)
  } catch {
    // nobody reads it
  }
}
