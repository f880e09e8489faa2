import type { Redis } from 'ioredis'

/** The one field of an entry. */
export const field = 'click'

export const group = 'writers'

/** One stream; entries that are counted are deleted from it, so its first is the oldest that is not. */
export function streamKey(prefix: string): string {
  return `${prefix}clicks`
}

/** When the oldest entry came, by Redis's clock; undefined if there is none. */
export async function oldestOf(redis: Redis, key: string): Promise<number | undefined> {
  const [entry] = await redis.xrange(key, '-', '+', 'COUNT', 1)
  return entry && Number(entry[0].split('-')[0])
}
