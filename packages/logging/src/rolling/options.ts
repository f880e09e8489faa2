import type { Clock } from './clock.js'
import type { Every } from './period.js'

/** What a rolling file goes by, all of it checked already. */
export interface RollingOptions {
  path: string
  mode: number
  /** The name of a link to the file that is written to, beside it. */
  symlink: string | undefined
  flushMs: number
  maxBufferBytes: number
  /** Infinity where files are not rolled by size. */
  sizeBytes: number
  every: Every | undefined
  utc: boolean
  gzip: boolean
  dateFormat: string
  /** How many rolled files are kept, how old they get, and how much all of them and those written to may hold. */
  retain: { files: number; ageMs: number; totalBytes: number }
  onDiskFull: 'drop' | 'stderr'
  clock: Clock
  /** Called once lines are written again, with how many were dropped. */
  onResume(dropped: number): void
  /** Called when files could not be compressed or removed. */
  onTrouble(error: Error): void
}
