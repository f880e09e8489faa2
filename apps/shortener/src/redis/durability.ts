import type { Redis } from 'ioredis'

/** What of Redis's settings may cost clicks that wait in it; empty if nothing does, or it can't be told. */
export async function risksOf(redis: Redis): Promise<string[]> {
  const info = await redis.info().catch(() => '')
  const risks: string[] = []
  if (/^aof_enabled:0/m.test(info)) {
    risks.push('it keeps no append-only file (appendonly yes): what is not counted when it is killed is lost')
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? ''
  if (policy.startsWith('allkeys')) {
    risks.push(`its maxmemory-policy is ${policy}: it may throw clicks away; volatile-lru does not`)
  }
  return risks
}
