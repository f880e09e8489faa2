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
}

export interface Limiter {
  /** What remains of the key's limit after one more, or -1 when it is over. */
  consume(key: string): number | Promise<number>
}

const keys = Array.from({ length: 10_000 }, (_, index) => `client-${index}`)
const windowMs = 600_000

/** A hit for each of 10,000 clients in turn. */
export async function measure(
  start: (options: LimiterOptions) => Promise<Limiter>,
  { seconds, prefix, redisUrl }: Task,
): Promise<Figures> {
  const small = await start({ max: 3, windowMs, prefix: `${prefix}small:`, redisUrl })
  const told: number[] = []
  for (let hit = 0; hit < 5; hit++) told.push(await small.consume('one'))
  assert.deepEqual([...told, await small.consume('other')], [2, 1, 0, -1, -1, 2], 'it limits to three')

  const limiter = await start({ max: 1_000_000_000, windowMs, prefix, redisUrl })
  const consume = (count: number) => limiter.consume(keys[count % keys.length]!)
  return redisUrl ? driveRedis(consume, { seconds, redisUrl }) : costOf(await drive(consume, { seconds }))
}
