import type { SteadfastLogger } from '@steadfast/logging'
import type { Config } from './config.js'
import type { Database } from './database/database.js'
import { openDatabase } from './database/open.js'
import type { Opened } from './process.js'
import { openRedis, type SharedRedis } from './redis/redis.js'

/** What a process opens before its app, and closes after it. */
export interface Resources {
  database: Database
  redis: SharedRedis | undefined
  log: SteadfastLogger
}

/** Opens the database, and Redis if there is one. */
export async function openResources(config: Config, log: SteadfastLogger, opened: Opened): Promise<Resources> {
  const database = await openDatabase(config, log)
  opened.add(() => database.close())
  if (config.REDIS_URL === undefined) return { database, redis: undefined, log }
  const redis = await openRedis(config.REDIS_URL, config.REDIS_PREFIX, log)
  opened.add(() => redis.close())
  return { database, redis, log }
}
