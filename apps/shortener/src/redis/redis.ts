import { setTimeout as sleep } from 'node:timers/promises'
import { Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'

const startWaitMs = 3_000
const longestPauseMs = 1_000

/** Who asks has a deadline of its own; this one is for the rest, for a Redis that is frozen never answers. */
const commandTimeoutMs = 2_000

const common = {
  lazyConnect: true,
  connectTimeout: 2_000,
  retryStrategy: (times: number) => Math.min(50 * times, longestPauseMs),
  connectionName: 'shortener',
}

/** What the processes of one shortener share. */
export interface SharedRedis {
  /** Fails at once while Redis is away: whoever calls it has something else to do then. */
  readonly client: Redis
  /** For the cache, to hear of what others invalidate. */
  readonly subscriber: Redis
  /** What names of keys begin with. */
  readonly prefix: string
  /** A connection for commands that block. */
  blocking(): Redis
  close(): Promise<void>
}

/**
 * Connects to Redis. One that does not answer is not waited for longer than a moment: everything goes on without it, and
 * with it once it is there. The log hears once that it went away, and once that it is back.
 */
export async function openRedis(url: string, prefix: string, log: Logger): Promise<SharedRedis> {
  const { host } = new URL(url)
  // ioredis would go on in database 0, which may be somebody else's.
  const leaveWrongDatabase = (connection: Redis) => {
    connection.on('error', (error: Error & { command?: { name: string } }) => {
      if (error.command?.name === 'select') connection.disconnect(true)
    })
  }
  const client = new Redis(url, {
    ...common,
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
  })
  const all = [client]
  const open = (options: Pick<RedisOptions, 'maxRetriesPerRequest' | 'commandTimeout'>) => {
    const connection = new Redis(url, { ...common, ...options })
    leaveWrongDatabase(connection) // what else is wrong is told of the client
    all.push(connection)
    return connection
  }
  let isAway = false
  const away = (error: Error) => {
    if (!isAway) log.error(error, `Redis at ${host} does not answer; it goes on without`)
    isAway = true
  }
  client.on('error', away)
  leaveWrongDatabase(client)
  client.on('close', () => away(new Error('the connection was closed')))
  client.on('ready', () => {
    if (isAway) log.info(`Redis at ${host} answers again`)
    isAway = false
  })
  await Promise.race([client.connect().catch(() => {}), sleep(startWaitMs, undefined, { ref: false })])
  if (client.status !== 'ready') away(new Error('it could not be connected to'))
  return {
    client,
    subscriber: open({ maxRetriesPerRequest: null }),
    prefix,
    blocking: () => open({ maxRetriesPerRequest: 0, commandTimeout: 2 * commandTimeoutMs }),
    async close() {
      client.removeAllListeners('close')
      for (const connection of all) connection.disconnect()
    },
  }
}
