import { join } from 'node:path'
import { readNumber, readTable, readText } from './files.js'
import { locate } from './locate.js'

/** The CPU of a cgroup. */
export interface CgroupCpu {
  /** How many cores' worth of time it may take; undefined where there is no quota. Of all quotas that hold, the lowest. */
  quotaCores: number | undefined
  /** The time that it has taken, user and system, where it is counted for the cgroup with the quota. */
  usedSeconds: number | undefined
  /** Periods that the kernel has handed out the quota for, those in which it ran out, and the time spent waiting. */
  periods: number
  throttledPeriods: number
  throttledSeconds: number
}

/**
 * Gives the way to read the CPU of this process' cgroup, which gives undefined where there is none.
 * @param root where /proc and /sys are
 */
export function cgroupCpu(root: string): () => CgroupCpu | undefined {
  const place = locate('cpu', root)
  if (!place) return () => undefined
  const { version, folders, path } = place
  const quotaOf = version === 1 ? quotaOfVersion1 : quotaOfVersion2
  const accounts = version === 1 ? locate('cpuacct', root) : undefined
  return () => {
    let quotaCores: number | undefined
    let level = 0
    for (const [i, folder] of folders.entries()) {
      const cores = quotaOf(folder)
      if (cores === undefined || cores >= (quotaCores ?? Infinity)) continue
      quotaCores = cores
      level = i
    }
    const stat = readTable(join(folders[level] as string, 'cpu.stat'))
    if (stat.size === 0) return undefined
    let usedSeconds: number | undefined
    if (version === 2) usedSeconds = (stat.get('usage_usec') ?? 0) / 1e6
    // In version 1 another hierarchy counts the time, and the process may stand elsewhere in that.
    else if (accounts?.path === path && accounts.folders.length === folders.length) {
      const nanoseconds = readNumber(join(accounts.folders[level] as string, 'cpuacct.usage'))
      if (nanoseconds !== undefined) usedSeconds = nanoseconds / 1e9
    }
    const throttled = version === 1 ? (stat.get('throttled_time') ?? 0) / 1e9 : (stat.get('throttled_usec') ?? 0) / 1e6
    return {
      quotaCores,
      usedSeconds,
      periods: stat.get('nr_periods') ?? 0,
      throttledPeriods: stat.get('nr_throttled') ?? 0,
      throttledSeconds: throttled,
    }
  }
}

/** No quota is -1. */
function quotaOfVersion1(folder: string): number | undefined {
  const quota = readNumber(join(folder, 'cpu.cfs_quota_us'))
  const period = readNumber(join(folder, 'cpu.cfs_period_us'))
  return quota && period ? quota / period : undefined
}

/** `<quota> <period>`, where no quota is "max". */
function quotaOfVersion2(folder: string): number | undefined {
  const [quota, period] = (readText(join(folder, 'cpu.max'))?.split(' ') ?? []).map(Number)
  return quota && period ? quota / period : undefined
}
