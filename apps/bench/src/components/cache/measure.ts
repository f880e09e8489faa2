import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures } from '../../compare.js'
import { costOf, drive, driveRedis } from '../drive.js'
import type { Task } from '../task.js'

/** What is cached: a link, about as large as one in the shortener. */
export interface Link {
  code: string
  url: string
  createdAt: string
}

export interface CacheOptions {
  prefix: string
  /** In memory, if undefined; else in Redis alone, or as near to that as it can be. */
  redisUrl: string | undefined
  load(code: string): Promise<Link>
  /** Whether what is in memory is taken from there without a promise, where a subject has both ways. */
  peeks?: boolean
}

export interface Cache {
  /** What is cached under the code, or else loaded, once for all who ask at the time. */
  get(code: string): Link | undefined | Promise<Link | undefined>
}

type Start = (options: CacheOptions) => Promise<Cache>

const codes = Array.from({ length: 1_000 }, (_, index) => `code-${index}`)
const callers = 100
const loadMs = 5

export async function measure(start: Start, task: Task): Promise<Figures> {
  return task.comparison === 'stampede' ? measureStampede(start, task) : measureHits(start, task)
}

/** Each of 1,000 codes in turn, all cached before. */
async function measureHits(start: Start, { seconds, prefix, redisUrl, options: how }: Task): Promise<Figures> {
  let loads = 0
  const load = async (code: string) => {
    loads++
    return linkOf(code)
  }
  const options = { prefix, redisUrl, load, peeks: how.peeks === true }
  const writer = await start(options)
  for (const code of codes) await writer.get(code)
  // What Redis has is read by an instance that has not written it, and has nothing in memory.
  const cache = redisUrl ? await start(options) : writer
  for (const code of codes) assert.deepEqual(await cache.get(code), linkOf(code), 'it gives what was loaded')
  assert.equal(loads, codes.length, 'it loads each code once')

  const get = (count: number) => cache.get(codes[count % codes.length]!)
  const figures = redisUrl
    ? await driveRedis(get, { seconds, redisUrl })
    : costOf(await drive(get, { seconds, awaits: how.awaits === true }))
  assert.equal(loads, codes.length, 'all that was measured came from the cache')
  return figures
}

/** A hundred callers at once for a code that is not cached, and takes 5 ms to load. */
async function measureStampede(start: Start, { seconds, prefix }: Task): Promise<Figures> {
  let loads = 0
  const load = async (code: string) => {
    loads++
    await sleep(loadMs)
    return linkOf(code)
  }
  const cache = await start({ prefix, redisUrl: undefined, load })
  let stampedes = 0
  const stampede = async () => {
    const code = `stampede-${stampedes++}`
    const answers = await Promise.all(Array.from({ length: callers }, () => cache.get(code)))
    for (const answer of answers) assert.equal(answer?.code, code)
  }
  // Lanes, so that the process has something to do while one stampede waits for its load.
  const { operations, cpuMicros } = await drive(stampede, { seconds, lanes: 16 })
  return { cpuMicros: cpuMicros / operations / callers, loads: loads / stampedes }
}

function linkOf(code: string): Link {
  return { code, url: `https://example.com/some/where/${code}`, createdAt: '2026-01-01T00:00:00.000Z' }
}
