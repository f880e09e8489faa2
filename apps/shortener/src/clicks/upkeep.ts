import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Database } from '../database/database.js'
import { type Kept, turnPartitions } from './partitions.js'
import type { VisitorSalts } from './salts.js'

const everyMs = 3_600_000

export interface ClickUpkeepOptions {
  database: Database
  salts: VisitorSalts
  kept: Kept
}

/** Has salts and partitions ready before the days that need them, and takes away what is over. */
export const clickUpkeep = fp(async (app: FastifyInstance, { database, salts, kept }: ClickUpkeepOptions) => {
  const prepare = async () => {
    await salts.renew(database).catch((error) => app.log.warn(error, 'the salts of visitors could not be had'))
    await turnPartitions(database, kept).catch((error) => app.log.warn(error, 'clicks have no partitions for new days'))
  }
  let timer: NodeJS.Timeout | undefined
  app.addHook('onReady', async () => {
    await prepare()
    timer = setInterval(prepare, everyMs).unref()
  })
  app.addHook('onClose', async () => clearInterval(timer))
})
