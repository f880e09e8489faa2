import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../../database/database.js'
import type { Click } from '../click.js'
import { bury } from '../dead-letters/repository.js'
import { decode } from '../encoding.js'
import type { ClickCounts } from '../sink.js'
import { writeAll } from '../write-all.js'
import { field, group } from './stream.js'

const batchSize = 1_000
const blockMs = 500
/** After a batch that was not full it waits for more: a statement costs the database much the same for one click and for fifty. */
const lingerMs = 100
const firstPauseMs = 100
const longestPauseMs = 2_000
const stopWaitMs = 1_500

/** After so long without an answer whoever took an entry counts as dead, and others take it. If he is not, it is written twice, and counts once. */
const deadAfterMs = 5_000
const claimEveryMs = 1_000

/** For how long a consumer may be idle, with nothing to its name, before it is forgotten. */
const forgetAfterMs = 3_600_000

type Entry = [id: string, fields: string[]]

/**
 * Takes clicks out of the stream and counts them: first the commit in the database, then the acknowledgement. Killed before the commit it
 * has counted nothing, and others take what it had; killed after it, they find everything counted.
 */
export class ClickConsumer {
  readonly #redis: Redis
  readonly #key: string
  readonly #database: Database
  readonly #counts: ClickCounts
  readonly #log: Pick<Logger, 'warn' | 'info'>
  readonly #name = randomUUID()
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #hasGroup = false
  #claimAtMs = 0
  #cursor = '0-0'
  #pauseMs = 0

  /** @param redis a connection of its own, which is blocked while it waits for clicks */
  constructor(redis: Redis, key: string, database: Database, counts: ClickCounts, log: Pick<Logger, 'warn' | 'info'>) {
    this.#redis = redis
    this.#key = key
    this.#database = database
    this.#counts = counts
    this.#log = log
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Ends the batch that is being written, unless the database hangs; what is not counted by then, others will. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#loop, sleep(stopWaitMs, undefined, { ref: false })])
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const entries = await this.#take()
        if (entries.length > 0) await this.#count(entries)
        if (this.#pauseMs > 0) this.#log.info('clicks from the stream are counted again')
        this.#pauseMs = 0
        if (entries.length > 0 && entries.length < batchSize) await this.#rest(lingerMs)
      } catch (error) {
        if (`${error}`.includes('NOGROUP')) this.#hasGroup = false
        else if (this.#pauseMs === 0) this.#log.warn(error, 'clicks in the stream can’t be counted right now')
        this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, 2 * this.#pauseMs))
        await this.#rest(this.#pauseMs)
      }
    }
  }

  async #rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }

  /** What others died over, else what is new. */
  async #take(): Promise<Entry[]> {
    if (!this.#hasGroup) await this.#makeGroup()
    if (performance.now() >= this.#claimAtMs) {
      const claimed = await this.#claim()
      if (claimed.length > 0) return claimed
    }
    const reply = (await this.#redis.xreadgroup(
      ...(['GROUP', group, this.#name, 'COUNT', batchSize, 'BLOCK', blockMs, 'STREAMS', this.#key, '>'] as const),
    )) as [string, Entry[]][] | null
    return reply?.[0]?.[1] ?? []
  }

  async #claim(): Promise<Entry[]> {
    const reply = await this.#redis.xautoclaim(
      ...([this.#key, group, this.#name, deadAfterMs, this.#cursor, 'COUNT', batchSize] as const),
    )
    const [cursor, entries] = reply as [string, (Entry | null)[]]
    this.#cursor = cursor
    if (cursor === '0-0') this.#claimAtMs = performance.now() + claimEveryMs
    return entries.filter((entry) => entry !== null)
  }

  async #makeGroup(): Promise<void> {
    try {
      await this.#redis.xgroup('CREATE', this.#key, group, '0', 'MKSTREAM')
    } catch (error) {
      if (!`${error}`.includes('BUSYGROUP')) throw error
    }
    this.#hasGroup = true
    await this.#forgetDead()
  }

  async #forgetDead(): Promise<void> {
    const consumers = (await this.#redis.xinfo('CONSUMERS', this.#key, group)) as (string | number)[][]
    for (const fields of consumers) {
      const of = (name: string) => fields[fields.indexOf(name) + 1]
      const isOver = of('pending') === 0 && Number(of('idle')) > forgetAfterMs
      if (isOver) await this.#redis.xgroup('DELCONSUMER', this.#key, group, `${of('name')}`)
    }
  }

  async #count(entries: Entry[]): Promise<void> {
    const clicks: Click[] = []
    for (const [, fields] of entries) {
      const text = fields[fields.indexOf(field) + 1] ?? ''
      try {
        clicks.push(decode(text))
      } catch (error) {
        await bury(this.#database, text, (error as Error).message)
        this.#counts.dead++
      }
    }
    const { dead } = await writeAll(this.#database, clicks)
    this.#counts.written += clicks.length - dead
    this.#counts.dead += dead
    const ids = entries.map(([id]) => id)
    await this.#redis
      .multi()
      .xack(this.#key, group, ...ids)
      .xdel(this.#key, ...ids)
      .exec()
  }
}
