import { join } from 'node:path'
import { readNumber, readTable } from './files.js'
import { locate } from './locate.js'

/** The memory of a cgroup. */
export interface CgroupMemory {
  /** Above it the kernel kills; undefined where there is no limit. Of all limits that hold, the lowest. */
  limitBytes: number | undefined
  /** What the kernel can't take back at once: usage less inactive page cache, as kubelet counts it. */
  workingSetBytes: number
  /** Processes that the kernel has killed for lack of memory. */
  oomKills: number
}

const files = {
  1: {
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    inactive: 'total_inactive_file',
    kills: 'memory.oom_control',
  },
  2: { limit: 'memory.max', usage: 'memory.current', inactive: 'inactive_file', kills: 'memory.events' },
}

/**
 * Gives the way to read the memory of this process' cgroup, which gives undefined where there is none.
 * @param root where /proc and /sys are
 */
export function cgroupMemory(root: string): () => CgroupMemory | undefined {
  const place = locate('memory', root)
  if (!place) return () => undefined
  const { limit, usage, inactive, kills } = files[place.version]
  const [own] = place.folders
  return () => {
    let limitBytes: number | undefined
    let limited = own
    for (const folder of place.folders) {
      // Version 2 says "max" for no limit, version 1 a number near 2^63 or 2^64, which depends on the page size.
      const bytes = readNumber(join(folder, limit)) ?? Infinity
      if (bytes > Number.MAX_SAFE_INTEGER || bytes >= (limitBytes ?? Infinity)) continue
      limitBytes = bytes
      limited = folder
    }
    const usedBytes = readNumber(join(limited, usage))
    if (usedBytes === undefined) return undefined
    const inactiveBytes = readTable(join(limited, 'memory.stat')).get(inactive) ?? 0
    return {
      limitBytes,
      workingSetBytes: Math.max(0, usedBytes - inactiveBytes),
      oomKills: readTable(join(own, kills)).get('oom_kill') ?? 0,
    }
  }
}
