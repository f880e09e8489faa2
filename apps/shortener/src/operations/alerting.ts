import { type AlertsOptions, type Channel, log, pagerduty, slack, type Threshold } from '@steadfast/alerts'
import type { FastifyBaseLogger } from 'fastify'
import type { Backlog } from '../clicks/backlog.js'
import type { Config } from '../config.js'
import type { SharedRedis } from '../redis/redis.js'

const lateSeconds = 60

/** The alert that requests fail; while the database is away that is no news. */
export const errorRate = 'error-rate'

export function alertsOptions(
  config: Config,
  redis: SharedRedis | undefined,
  backlog: Backlog,
  logger: FastifyBaseLogger,
): AlertsOptions {
  return {
    service: 'shortener',
    channels: channelsOf(config, logger),
    rules: rulesOf(backlog),
    ...(config.ALERTS_DIR && { spool: { dir: config.ALERTS_DIR } }),
    ...(redis && { claim: { redis: redis.client } }),
  }
}

/** Who is woken by what: PagerDuty by what is critical, Slack by what somebody must look at. The log has it all. */
function channelsOf(config: Config, logger: FastifyBaseLogger): Channel[] {
  const { PAGERDUTY_ROUTING_KEY: routingKey, PAGERDUTY_URL, SLACK_WEBHOOK_URL } = config
  const allowPrivate = config.ALERT_TARGETS === 'any'
  const url = PAGERDUTY_URL === undefined ? {} : { url: PAGERDUTY_URL }
  return [
    log({ logger }),
    ...(routingKey ? [pagerduty({ routingKey, ...url, minSeverity: 'critical', allowPrivate })] : []),
    ...(SLACK_WEBHOOK_URL ? [slack({ url: SLACK_WEBHOOK_URL, minSeverity: 'warning', allowPrivate })] : []),
  ]
}

function rulesOf(backlog: Backlog): Threshold[] {
  return [
    { name: errorRate, severity: 'critical', on: 'errorRate', above: 0.05, forMs: 30_000, keepFiringMs: 60_000 },
    {
      name: 'click-lag',
      severity: 'error',
      on: () => backlog.lagMs && backlog.lagMs / 1_000,
      above: lateSeconds,
      summary: `clicks have waited for more than ${lateSeconds} s to be counted`,
    },
    {
      name: 'dead-letters',
      severity: 'warning',
      on: () => backlog.lookForDeadLetters(),
      above: 0,
      summary: 'there are clicks that could not be counted: GET /api/v1/dead-letters',
    },
  ]
}
