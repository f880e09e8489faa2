import alerts from '@steadfast/alerts'
import health from '@steadfast/health'
import logging from '@steadfast/logging'
import metrics from '@steadfast/metrics'
import shutdown from '@steadfast/shutdown'
import type { FastifyInstance } from 'fastify'
import { clickPipeline } from './clicks/pipeline.js'
import { VisitorSalts } from './clicks/salts.js'
import { clickUpkeep } from './clicks/upkeep.js'
import { type Config, keptOf } from './config.js'
import { newServer } from './http.js'
import { observability } from './observability.js'
import { alertsOptions } from './operations/alerting.js'
import { healthOptions } from './operations/checks.js'
import { metricsOptions } from './operations/metrics.js'
import type { Resources } from './resources.js'

/** A worker: it has probes and metrics as a server has, and serves nothing else. */
export function buildWorker(config: Config, { database, redis, log }: Resources): FastifyInstance {
  const clicks = clickPipeline({ database, redis, consumes: true, log })
  const app = newServer(config, log)
  app.register(logging, { logger: log })
  app.register(health, healthOptions(config, database, redis, clicks.backlog))
  app.register(shutdown)
  app.register(metrics, metricsOptions(config))
  app.register(alerts, alertsOptions(config, redis, clicks.backlog, log))
  app.register(observability, { database, redis })
  app.register(clickUpkeep, { database, salts: new VisitorSalts(), kept: keptOf(config) })
  app.register(clicks.plugin)
  return app
}
