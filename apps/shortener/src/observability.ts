import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Database } from './database/database.js'
import { errorRate } from './operations/alerting.js'
import { databaseCheck } from './operations/checks.js'
import type { SharedRedis } from './redis/redis.js'

/** For how long requests that fail are no news of their own, once the database is away. */
const quietMs = 600_000

/** How often keys that are guessed are told of. */
const tellAfterMs = 60_000

export interface ObservabilityOptions {
  database: Database
  redis: SharedRedis | undefined
}

/** What one plugin has to tell another: dependencies that go away are alerts, pools are metrics, and guessed keys are in the log. */
export const observability = fp(async (app: FastifyInstance, { database, redis }: ObservabilityOptions) => {
  if (!redis)
    app.log.warn('without REDIS_URL limits, links and clicks are in the memory of this process: let it be the only one')

  app.health.on('change', ({ check, kind, to, output = '' }) => {
    const alert = { name: 'dependency', labels: { dependency: check } }
    if (to !== 'fail') return void app.alerts.resolve(alert)
    const severity = kind === 'critical' ? 'critical' : 'warning'
    void app.alerts.fire({ ...alert, severity, summary: `the check of ${check} fails: ${output}` })
    if (check === databaseCheck) void app.alerts.silence({ name: errorRate }, quietMs)
  })

  if (database.pool) app.metrics.pool('database', database.pool)
  if (redis) app.metrics.pool('redis', redis.client)

  if (!app.hasDecorator('limiter')) return
  let toldMs = -Infinity
  app.limiter.on('exceeded', ({ policies, request }) => {
    if (!policies.includes('failed-keys') || performance.now() - toldMs < tellAfterMs) return
    toldMs = performance.now()
    request?.log.warn('a client tries many keys that are not valid')
  })
})
