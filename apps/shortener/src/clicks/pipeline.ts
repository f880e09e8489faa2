import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import type { Database } from '../database/database.js'
import { risksOf } from '../redis/durability.js'
import type { SharedRedis } from '../redis/redis.js'
import { Backlog } from './backlog.js'
import { tellClicks } from './metrics.js'
import { ClickQueue } from './queue.js'
import { type ClickCounts, type ClickSink, noClicks } from './sink.js'
import { ClickConsumer } from './stream/consumer.js'
import { ClickProducer } from './stream/producer.js'
import { streamKey } from './stream/stream.js'
import { writeAll } from './write-all.js'

export interface ClickPipelineOptions {
  database: Database
  /** Without it clicks wait in the memory of this process. */
  redis: SharedRedis | undefined
  /** Whether this process takes clicks out of the stream and counts them. */
  consumes: boolean
  log: Logger
}

/** The way of a click: the stream in Redis and who takes from it, or the queue in memory; what is known of it, and its end. */
export interface ClickPipeline {
  readonly sink: ClickSink
  readonly counts: ClickCounts
  /** What is not counted yet, as it was seen last. */
  readonly backlog: Backlog
  readonly plugin: (app: FastifyInstance) => Promise<void>
}

export function clickPipeline({ database, redis, consumes, log }: ClickPipelineOptions): ClickPipeline {
  const counts = noClicks()
  const queue = new ClickQueue((clicks) => writeAll(database, clicks), log, counts)
  const sink = redis ? new ClickProducer(redis.client, streamKey(redis.prefix), queue) : queue
  const consumer =
    redis && consumes ? new ClickConsumer(redis.blocking(), streamKey(redis.prefix), database, counts, log) : undefined
  const backlog = new Backlog(sink, database)

  const plugin = fp(async (app: FastifyInstance) => {
    tellClicks(app, counts, sink, backlog)
    if (redis) {
      app.addHook('onReady', async () => {
        for (const risk of await risksOf(redis.client)) log.warn(`Redis is not safe for clicks: ${risk}`)
      })
    }
    if (consumer) {
      app.addHook('onReady', async () => consumer.start())
      app.shutdown.register('the consumer of clicks', () => consumer.stop(), { phase: 'consumers' })
    }
    app.shutdown.register('clicks', (signal) => sink.drain(signal), { phase: 'flush' })
    app.addHook('onClose', async () => {
      await consumer?.stop()
      sink.close()
    })
  })
  return { sink, counts, backlog, plugin }
}
