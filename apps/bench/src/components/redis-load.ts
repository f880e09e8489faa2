import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

const sample = 200

/** Requests that Redis reads from the network for one operation, when only one is under way. Nobody else may use it meanwhile. */
export async function roundTrips(url: string, operate: (count: number) => unknown): Promise<number> {
  const redis = new Redis(url)
  await operate(0) // connects, and loads its scripts
  const before = await quietReads(redis)
  for (let count = 1; count <= sample; count++) await operate(count)
  const after = await reads(redis)
  redis.disconnect()
  return (after - before - 1) / sample // the last INFO is one too
}

/** CPU time of Redis while something is done. */
export async function redisMicros<T>(url: string, work: () => Promise<T>): Promise<{ result: T; micros: number }> {
  const redis = new Redis(url)
  const before = await cpuSeconds(redis)
  const result = await work()
  const after = await cpuSeconds(redis)
  redis.disconnect()
  return { result, micros: (after - before) * 1e6 }
}

/** Once nobody asks anything but we: clients go on introducing themselves after their first command. */
async function quietReads(redis: Redis): Promise<number> {
  for (let last = await reads(redis); ; ) {
    await sleep(10)
    const next = await reads(redis)
    if (next === last + 1) return next
    last = next
  }
}

async function reads(redis: Redis): Promise<number> {
  return fieldOf(await redis.info('stats'), 'total_reads_processed')
}

async function cpuSeconds(redis: Redis): Promise<number> {
  const info = await redis.info('cpu')
  return fieldOf(info, 'used_cpu_user') + fieldOf(info, 'used_cpu_sys')
}

function fieldOf(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1])
}
