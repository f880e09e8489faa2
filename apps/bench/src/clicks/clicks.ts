import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type OwnRedis, startChild, startRedis, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import type { Comparison, Figures, Round } from '../compare.js'
import { onCore } from '../cores.js'
import { cpuMicros } from '../ladder/usage.js'
import { Clicked } from './clicked.js'

/** So many at least: what a batch takes counts little then. */
const leastClicks = 2_000
const perSecond = 10_000
const lookMs = 5
const patienceMs = 120_000

let prepared: Promise<{ redis: OwnRedis; clicked: Clicked }> | undefined

export const clicks: Comparison[] = [
  {
    name: 'clicks',
    title: 'Clicks that wait in the stream, counted by one worker',
    figures: [
      { name: 'perSecond', title: 'clicks/s', digits: 0 },
      { name: 'cpuMicros', title: 'CPU µs a click', digits: 1 },
    ],
    contenders: [
      {
        name: 'worker',
        about: 'apps/shortener: from the Redis stream into PostgreSQL, 1,000 links',
        servers: ['redis', 'postgresql'],
        measure,
        async release() {
          const { redis, clicked } = (await prepared) ?? {}
          await clicked?.release()
          await redis?.release()
          prepared = undefined
        },
      },
    ],
  },
]

/** Redirects first fill the stream, as they do it in use; then a worker is started. */
async function measure({ seconds, core }: Round): Promise<Figures> {
  prepared ??= prepare()
  const { redis, clicked } = await prepared
  const count = Math.max(leastClicks, Math.round(seconds * perSecond))
  const before = clicked.followed
  await clicked.follow(count)
  const look = new Redis(redis.url)
  const waiting = () => look.xlen(clicked.stream)
  const settled = async () => {
    const [others, all] = [await clicked.counted(), await waiting()]
    return others + all >= clicked.followed ? { others, all } : undefined
  }
  // What Redis did not take in time the server writes itself, and perhaps Redis has it too; both end a while after the answers.
  const { others, all } = await waitFor(settled, {
    what: 'every click in the stream or counted',
    timeoutMs: patienceMs,
  })
  assert(others - before < count / 2, 'most clicks are in the stream')
  const [command, ...args] = onCore(core, [process.execPath, clicked.workerFile])
  const worker = await startChild(command, args, { env: clicked.workerEnv })
  try {
    let left = all
    while (left === all) left = await later(waiting)
    const [startMs, first, startMicros] = [performance.now(), left, cpuMicros(worker.pid)]
    const endMs = startMs + patienceMs
    while (left > 0 && performance.now() < endMs) left = await later(waiting)
    const tookMs = performance.now() - startMs
    const micros = cpuMicros(worker.pid) - startMicros
    assert.equal(left, 0, `all are counted within ${patienceMs} ms:\n${worker.output()}`)
    await waitFor(async () => (await clicked.counted()) === clicked.followed, { what: 'every click in the totals' })
    return { perSecond: (first / tookMs) * 1_000, cpuMicros: micros / first }
  } finally {
    look.disconnect()
    await worker.release()
  }
}

async function later<T>(look: () => Promise<T>): Promise<T> {
  await sleep(lookMs)
  return look()
}

async function prepare(): Promise<{ redis: OwnRedis; clicked: Clicked }> {
  const redis = await startRedis({ own: true })
  return { redis, clicked: await Clicked.start(redis.url) }
}
