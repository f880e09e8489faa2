import { getHeapStatistics } from 'node:v8'
import type { Log } from './log.js'

/** V8 collects garbage in earnest near its own limit; where the memory ends before, the kernel kills the process first. */
export function warnOfHeapLimit(limitBytes: number | undefined, log: Log): void {
  const heapLimitBytes = getHeapStatistics().heap_size_limit
  if (limitBytes === undefined || heapLimitBytes <= limitBytes) return
  log.warn(
    { heapLimitBytes, memoryLimitBytes: limitBytes },
    `V8 lets its heap grow to ${toMiB(heapLimitBytes)} MiB, above the memory limit of ${toMiB(limitBytes)} MiB: the kernel will kill the process before; set --max-old-space-size`,
  )
}

function toMiB(bytes: number): number {
  return Math.round(bytes / 1_048_576)
}
