import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { deleteOldAnswers } from '../api/idempotency.js'
import type { Database } from './database.js'

const everyMs = 3_600_000

/** Deletes what is over, every hour. */
export const housekeeping = fp(async (app: FastifyInstance, { database }: { database: Database }) => {
  const clean = () =>
    deleteOldAnswers(database).catch((error) => app.log.warn(error, 'old answers could not be deleted; later then'))
  let timer: NodeJS.Timeout | undefined
  app.addHook('onReady', async () => {
    timer = setInterval(clean, everyMs).unref()
  })
  app.addHook('onClose', async () => clearInterval(timer))
})
