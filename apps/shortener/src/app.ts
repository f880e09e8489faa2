import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import alerts from '@steadfast/alerts'
import cache from '@steadfast/cache'
import health from '@steadfast/health'
import limiter from '@steadfast/limiter'
import logging from '@steadfast/logging'
import metrics from '@steadfast/metrics'
import shutdown from '@steadfast/shutdown'
import type { FastifyInstance } from 'fastify'
import { openapi } from './api/openapi.js'
import { clickCounter } from './clicks/counter.js'
import { deadLetterRoutes } from './clicks/dead-letters/routes.js'
import { clickPipeline } from './clicks/pipeline.js'
import { statsRoutes } from './clicks/routes.js'
import { VisitorSalts } from './clicks/salts.js'
import { clickUpkeep } from './clicks/upkeep.js'
import { type Config, keptOf, limitsOf } from './config.js'
import { housekeeping } from './database/housekeeping.js'
import { newServer } from './http.js'
import { identify, requireKey } from './keys/authenticate.js'
import { keyRoutes } from './keys/routes.js'
import { bulkRoutes } from './links/bulk.js'
import { linkRoutes } from './links/routes.js'
import { targetParser } from './links/target.js'
import { observability } from './observability.js'
import { alertsOptions } from './operations/alerting.js'
import { healthOptions } from './operations/checks.js'
import { Clients } from './operations/clients.js'
import { apiLimits, limiterOptions } from './operations/limits.js'
import { metricsOptions } from './operations/metrics.js'
import { cacheOptions, LinkCache } from './redirect/link-cache.js'
import { countRedirects } from './redirect/metrics.js'
import { redirectRoutes } from './redirect/routes.js'
import type { Resources } from './resources.js'

const corsMaxAgeSeconds = 600

/** The shortener as a Fastify app, ready to listen. Who opened the resources closes them, after the app. */
export function buildApp(config: Config, { database, redis, log }: Resources): FastifyInstance {
  const baseUrl = config.BASE_URL
  const limits = limitsOf(config)
  const salts = new VisitorSalts()
  const clients = new Clients(salts)
  const consumes = config.CLICK_WORKER === 'inside'
  const clicks = clickPipeline({ database, redis, consumes, log })
  const app = newServer(config, log)

  app.register(logging, { logger: log })
  app.register(health, healthOptions(config, database, redis, clicks.backlog))
  app.register(shutdown)
  app.register(metrics, metricsOptions(config))
  app.register(alerts, alertsOptions(config, redis, clicks.backlog, log))
  app.register(limiter, limiterOptions(limits, clients, redis, config.INSTANCES))
  app.register(cache, cacheOptions(redis))
  app.register(observability, { database, redis })

  app.register(clickUpkeep, { database, salts, kept: keptOf(config) })
  app.register(clicks.plugin)
  app.register(housekeeping, { database })
  app.register(openapi, { baseUrl }) // before the routes that it documents

  app.register(async (app) => {
    const links = new LinkCache(app.cache, database, log)
    const forget = (codes: readonly string[]) => links.forget(codes)
    const limit = apiLimits(app, limits, clients)

    app.register(
      async (api) => {
        api.register(helmet, { strictTransportSecurity: { includeSubDomains: false } }) // they may be somebody else’s
        api.register(cors, {
          origin: config.CORS_ORIGINS ?? false,
          methods: ['GET', 'POST', 'PATCH', 'DELETE'],
          exposedHeaders: ['Location', 'Retry-After', 'Idempotent-Replayed', 'RateLimit', 'RateLimit-Policy'],
          maxAge: corsMaxAgeSeconds,
        })
        api.addHook('onRequest', identify(database))
        api.addHook('onRequest', limit.failedKeys)
        api.addHook('onRequest', requireKey)
        api.addHook('onRequest', limit.key)
        const parseTarget = targetParser(baseUrl, config.PRIVATE_TARGETS)
        const options = { database, baseUrl, parseTarget, forget, limitCreates: limit.creates }
        api.register(linkRoutes, options)
        api.register(bulkRoutes, options)
        api.register(statsRoutes, { database })
        api.register(deadLetterRoutes, { database })
        api.register(keyRoutes, { database })
      },
      { prefix: '/api/v1' },
    )
    countRedirects(app)
    app.register(redirectRoutes, {
      database,
      cache: links,
      countClick: clickCounter(clicks.sink, clicks.counts, salts),
    })
  })
  return app
}
