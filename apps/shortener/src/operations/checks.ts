import { dirname } from 'node:path'
import { diskCheck, eventLoopCheck, type HealthOptions, redisCheck } from '@steadfast/health'
import type { Backlog } from '../clicks/backlog.js'
import type { Config } from '../config.js'
import type { Database } from '../database/database.js'
import type { SharedRedis } from '../redis/redis.js'

const minFreeBytes = 50_000_000
const maxDelayMs = 500

/** The name of the check of the database, without which nothing but what is cached can be served. */
export const databaseCheck = 'database'

export function healthOptions(
  config: Pick<Config, 'LOG_FILE' | 'ALERTS_DIR' | 'OPERATIONS_TOKEN'>,
  database: Database,
  redis: SharedRedis | undefined,
  backlog: Backlog,
): HealthOptions {
  const { LOG_FILE, ALERTS_DIR, OPERATIONS_TOKEN } = config
  const folder = LOG_FILE === undefined ? (ALERTS_DIR ?? '.') : dirname(LOG_FILE)
  return {
    checks: {
      [databaseCheck]: database.check,
      ...(redis && { redis: redisCheck(redis.client, { kind: 'degraded' }) }),
      clicks: backlog.check,
      disk: diskCheck({ path: folder, minFreeBytes }),
      eventLoop: eventLoopCheck({ maxDelayMs }),
    },
    ...(OPERATIONS_TOKEN && { access: { bearer: OPERATIONS_TOKEN } }),
  }
}
