import { statfs } from 'node:fs/promises'
import { type CheckOptions, type CheckResult, checkOptions, type HealthCheck } from '../check.js'
import * as rules from '../rules.js'
import { oneAtATime } from './one-at-a-time.js'

export interface DiskCheckOptions extends CheckOptions {
  /** A file or folder on the file system. */
  path: string
  /** Fewer bytes free for us (not only for root) are a failure. At least one of the two limits must be set. */
  minFreeBytes?: number
  /** Fewer free inodes are a failure. A file system without a fixed number of them has always enough. */
  minFreeInodes?: number
}

/**
 * Measures the free space of a file system, by statfs(2). Its kind is `degraded`, unless said otherwise.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function diskCheck(options: DiskCheckOptions): HealthCheck {
  const { path, minFreeBytes, minFreeInodes, ...when } = rules.takeObject('diskCheck', options, [
    'path',
    'minFreeBytes',
    'minFreeInodes',
    ...checkOptions,
  ])
  rules.take('diskCheck.path', path ?? '', rules.text)
  rules.take('diskCheck.minFreeBytes', minFreeBytes, rules.size)
  rules.take('diskCheck.minFreeInodes', minFreeInodes, rules.size)
  if ((minFreeBytes ?? minFreeInodes) === undefined) {
    rules.refuse('diskCheck', 'given minFreeBytes, minFreeInodes or both', options)
  }
  // A network file system that is away can hold statfs for ever.
  const measure = oneAtATime(() => statfs(path))
  return {
    kind: 'degraded',
    ...when,
    async run(signal): Promise<CheckResult> {
      const { bavail, bsize, files, ffree } = await measure(signal)
      const freeBytes = bavail * bsize
      const faults: string[] = []
      if (freeBytes < (minFreeBytes ?? 0)) faults.push(`${freeBytes} bytes free on ${path}, below ${minFreeBytes}`)
      if (files > 0 && ffree < (minFreeInodes ?? 0)) {
        faults.push(`${ffree} inodes free on ${path}, below ${minFreeInodes}`)
      }
      const observed = { observedValue: freeBytes, observedUnit: 'bytes' }
      return { status: faults.length > 0 ? 'fail' : 'pass', output: faults.join('; '), ...observed }
    },
  }
}
