import assert from 'node:assert/strict'
import type { Figures } from '../../compare.js'
import { costOf, drive, driveRedis } from '../drive.js'
import type { Task } from '../task.js'

export interface LimiterOptions {
  max: number
  windowMs: number
  prefix: string
  /** In memory, if undefined. */
  redisUrl: string | undefined
  /** Whether tokens are taken in advance, where that can be. */
  isLeased: boolean
}

export interface Limiter {
  /** What remains of the key's limit after one more, or -1 when it is over. */
  consume(key: string): number | Promise<number>
}

const keys = Array.from({ length: 10_000 }, (_, index) => `client-${index}`)
const windowMs = 600_000

/** A hit for each of so many clients in turn. */
export async function measure(
  start: (options: LimiterOptions) => Promise<Limiter>,
  { seconds, prefix, redisUrl, options }: Task,
): Promise<Figures> {
  const { clients = keys.length, isLeased = false } = options as { clients?: number; isLeased?: boolean }
  const small = await start({ max: 3, windowMs, prefix: `${prefix}small:`, redisUrl, isLeased })
  const told: number[] = []
  for (let hit = 0; hit < 5; hit++) told.push(await small.consume('one'))
  assert.deepEqual([...told, await small.consume('other')], [2, 1, 0, -1, -1, 2], 'it limits to three')

  const limiter = await start({ max: 1_000_000_000, windowMs, prefix, redisUrl, isLeased })
  const consume = (count: number) => limiter.consume(keys[count % clients]!)
  return redisUrl ? driveRedis(consume, { seconds, redisUrl }) : costOf(await drive(consume, { seconds }))
}
