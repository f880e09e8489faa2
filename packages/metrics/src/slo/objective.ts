import { duration, fail, share, take, takeObject } from '../given.js'

/** A service level objective: which share of requests must be answered without a fault of the server, and in time. */
export interface ObjectiveOptions {
  /** A request that takes longer is not in time. A bound of `http.buckets`. Default the first from 500 on. */
  latencyMs?: number
  /** The share of requests, as 0.999. Default 0.999. */
  target?: number
  /** A request that takes longer does not satisfy, one that takes four times as long frustrates. Both bounds of `http.buckets`. */
  apdexMs?: number
}

export interface Objective {
  /** In seconds, as the buckets are. */
  latency: number
  target: number
  apdex: number | undefined
}

/**
 * @throws ERR_METRICS_OPTION
 * @throws ERR_METRICS_UNKNOWN_OPTION
 */
export function resolveObjective(options: ObjectiveOptions = {}, buckets: readonly number[]): Objective {
  takeObject('slo', options, ['latencyMs', 'target', 'apdexMs'])
  const standIn = buckets.find((bound) => bound >= 0.5) ?? buckets.at(-1)!
  const latencyMs = take('slo.latencyMs', options.latencyMs, duration)
  const apdexMs = take('slo.apdexMs', options.apdexMs, duration)
  // A histogram knows how many requests were faster than a bound of its buckets, and nothing in between.
  const check = (name: string, ms: number | undefined) => {
    if (ms === undefined || buckets.includes(ms / 1_000)) return
    fail(name, `a bound of http.buckets, in milliseconds (${buckets.map((bound) => bound * 1_000).join(', ')})`, ms)
  }
  check('slo.latencyMs', latencyMs)
  check('slo.apdexMs', apdexMs)
  check('four times slo.apdexMs', apdexMs && 4 * apdexMs)
  return {
    latency: latencyMs === undefined ? standIn : latencyMs / 1_000,
    target: take('slo.target', options.target, share, 0.999),
    apdex: apdexMs && apdexMs / 1_000,
  }
}
