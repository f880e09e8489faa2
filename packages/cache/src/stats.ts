/** What has happened since the start, and what is in memory. Every read is one of the hits or a miss. */
export interface CacheStats {
  /** Reads that were answered from memory. */
  l1Hits: number
  /** Reads that were answered from Redis. */
  l2Hits: number
  /** Reads that were answered by a value past its time. */
  staleHits: number
  /** Reads that had to wait for a load, or found nothing. */
  misses: number
  /** Hits as a share of all reads; 0 before the first. */
  hitRatio: number
  loads: number
  loadErrors: number
  /** Loads that began before an invalidation and ended after it: nothing of them was stored. */
  voidedLoads: number
  /** Values above `maxValueBytes`, which Redis was spared. */
  oversized: number
  /** What was read from Redis and was no entry. */
  corrupt: number
  /** Calls to Redis that failed or took too long. */
  l2Errors: number
  /** Times that memory was emptied, because an invalidation may have been missed. */
  flushes: number
  /** Invalidations that Redis has not been told yet. */
  pending: number
  entries: number
  bytes: number
}

export class Counters {
  l1Hits = 0
  l2Hits = 0
  staleHits = 0
  misses = 0
  loads = 0
  loadErrors = 0
  voidedLoads = 0
  oversized = 0
  corrupt = 0
  l2Errors = 0
  flushes = 0
}

export function statsOf(counters: Counters, now: { pending: number; entries: number; bytes: number }): CacheStats {
  const hits = counters.l1Hits + counters.l2Hits + counters.staleHits
  const reads = hits + counters.misses
  return { ...counters, hitRatio: reads === 0 ? 0 : hits / reads, ...now }
}
