import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

const sample = 200

export interface RedisLoad {
  /** Requests that Redis read from the network for one operation, when nothing else is sent along with it. */
  roundTrips: number
  /** CPU time of Redis for one operation. */
  redisMicros: number
}

interface Readings {
  reads: number
  cpuSeconds: number
}

/** What an operation costs Redis, one at a time. Nobody else may use this Redis meanwhile. */
export async function redisLoad(url: string, operate: (count: number) => unknown): Promise<RedisLoad> {
  const redis = new Redis(url)
  await operate(0) // connects, and loads its scripts
  const before = await quietReadings(redis)
  for (let count = 1; count <= sample; count++) await operate(count)
  const after = await readings(redis)
  redis.disconnect()
  return {
    roundTrips: (after.reads - before.reads - 1) / sample, // the second INFO is one too
    redisMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / sample,
  }
}

/** Once nobody asks anything but we: clients go on introducing themselves after their first command. */
async function quietReadings(redis: Redis): Promise<Readings> {
  for (let last = await readings(redis); ; ) {
    await sleep(10)
    const next = await readings(redis)
    if (next.reads === last.reads + 1) return next
    last = next
  }
}

async function readings(redis: Redis): Promise<Readings> {
  const info = await redis.info('stats', 'cpu')
  const field = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1])
  return { reads: field('total_reads_processed'), cpuSeconds: field('used_cpu_user') + field('used_cpu_sys') }
}
